"""Training: sight on single images, motion without sight (phase 1), then both aligned (phase 2)."""

import os

# Idle threads of torch spin by default, which on a busy machine takes the core from the one that works. It must be
# known before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
