"""ROS 2 nodes: parameters, topics, timers and conversions around the pure logic of the other rooms."""
