"""Output classes of the recognizer: class 0 is the CTC blank, class 1 + i is character i of ``plates.ALPHABET``."""

from __future__ import annotations

from edge_lpr.plates import ALPHABET

BLANK = 0
"""Class of the CTC blank."""

MIN_PROBABILITY = 1e-6
"""Lower bound of probabilities. The int8 logits cannot resolve smaller ones."""

LOOKALIKES = (ALPHABET.index("0"), ALPHABET.index("O"))
"""Indices in ``plates.ALPHABET`` of the digit 0 and the letter O. They look the same on a plate. So their probabilities
are added, and the number grammar decides which of the two stands in a place."""
