"""The input sizes of the two networks. This module does not need torch."""

DETECTOR_INPUT = (384, 640)
"""Height and width of the detector's default input, pixels."""
RECOGNIZER_INPUT = (64, 160)
"""Height and width of the recognizer's input, pixels."""
