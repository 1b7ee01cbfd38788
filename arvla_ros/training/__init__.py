"""Training: sight on single images, motion without sight (phase 1), then both aligned (phase 2)."""
