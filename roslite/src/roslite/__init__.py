"""What ``rclpy`` and its companions are made of when ROS 2 itself is not there.

Nothing here is public: programs use the ROS 2 names (``rclpy``, ``std_msgs.msg``, ``ament_index_python``, …).
"""
