"""Time, re-anchoring and safety as pure logic: numpy only, no ROS, no torch."""
