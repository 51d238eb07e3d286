"""Reads plates in pictures: detection, refinement of the corners, straightening, recognition and decoding."""
