"""What other ROS 2 packages import from inside rclpy."""
