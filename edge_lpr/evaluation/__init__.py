"""Evaluation: accuracy on labelled photos, and speed on this machine."""
