"""Episodes on disk, as LeRobotDataset v3.0: written, read, described. No ROS, no torch."""
