"""The AR-VLA policy: torch only, no ROS, no simulator."""
