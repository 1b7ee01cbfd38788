"""Verbs of `ros2 bag`, and what they consist of."""
