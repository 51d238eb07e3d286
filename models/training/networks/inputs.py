"""The sizes of what the two networks look at, in a module of their own that needs no torch."""

DETECTOR_INPUT = (384, 640)
"""Height and width of the detector's default input, pixels."""
RECOGNIZER_INPUT = (64, 160)
"""Height and width of the recognizer's input, pixels."""
