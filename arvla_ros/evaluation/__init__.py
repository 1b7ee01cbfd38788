"""Evaluation: rollouts, what a run left behind, figures and films."""
