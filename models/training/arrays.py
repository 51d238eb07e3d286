"""Array types that the training packages share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture: (height, width, 3) in BGR order, or (height, width, 4) in BGRA order where an outline matters."""
Mask = NDArray[np.uint8]
"""One channel, (height, width); 255 is full coverage (ink, paint, plate), 0 is none."""
Corners = NDArray[np.float32]
"""Corners of a plate, (4, 2) x and y in pixels: top-left, top-right, bottom-right, bottom-left."""
Rng = np.random.Generator
"""The source of every random choice; the same seed gives the same result."""
