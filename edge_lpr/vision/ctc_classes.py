"""The recognizer's output classes: the CTC blank first, then the characters of ``plates.ALPHABET``."""

from __future__ import annotations

from edge_lpr.plates import ALPHABET

BLANK = 0
"""Class of the CTC blank. Class ``1 + i`` is character ``i`` of ``plates.ALPHABET``."""

MIN_PROBABILITY = 1e-6
"""Lower bound for probabilities. The int8 logits cannot resolve smaller ones."""

LOOKALIKES = (ALPHABET.index("0"), ALPHABET.index("O"))
"""Indices in ``plates.ALPHABET`` of the digit 0 and the letter O. Both have one shape on a plate, so their
probabilities are added; the number grammar decides which of the two a place holds."""
