"""The types of fields as ROS 2's package of the same name has them; no parser."""
