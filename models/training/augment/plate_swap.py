"""Plate swap: the plate of a real photo is painted over, and a rendered one is pasted in its place.

One photo serves for plates of every province, colour and kind. The new plate gets the photo's brightness and a slight
blur.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Corners, Image, Rng

WIDE = 4.4
"""Numbers wider than this, width by height, are painted on lorries: their height is that of a plate, not their area."""


def fitted_corners(corners: Corners, aspect: float, rng: Rng) -> Corners:
    """Returns the corners (4, 2) of a plate of ``aspect`` (width by height) in the place of one with ``corners``.

    Tilt, perspective, centre and area stay about the same, so that a two-row plate is higher and less wide.
    """
    top, bottom = corners[1] - corners[0], corners[2] - corners[3]
    left, right = corners[3] - corners[0], corners[2] - corners[1]
    width = float(np.linalg.norm(top) + np.linalg.norm(bottom)) / 2
    height = float(np.linalg.norm(left) + np.linalg.norm(right)) / 2
    # The photo's foreshortening: by how much its plate is narrower than 440 x 140.
    seen = min(max(width / max(height, 1.0) / (440 / 140), 0.4), 1.3)
    wanted = aspect * seen
    area = width * height * rng.uniform(0.9, 1.3) * max(1.0, aspect / WIDE)
    new_height = np.sqrt(area / wanted)
    scale = np.array([new_height * wanted / width, new_height / height])
    across, down = (top + bottom) / 2, (left + right) / 2
    basis = np.stack([across, down], axis=1)
    center = corners.mean(axis=0)
    try:
        local = np.linalg.solve(basis, (corners - center).T).T
    except np.linalg.LinAlgError:
        return corners
    return np.asarray((local * scale) @ basis.T + center, np.float32)


def swap_plate(photo: Image, old: Corners, flat: Image, new: Corners, rng: Rng, seamless: float = 0.0) -> None:
    """Replaces the plate at ``old`` by ``flat`` (BGRA) at ``new``, in place.

    ``seamless`` (0.0-1.0) shifts the plate's ground to the colour of the car behind it. At 1.0 the plate has no visible
    edge, as a painted number.
    """
    paint_out(photo, old)
    lit = _matched_light(photo, old, flat, rng)
    if seamless > 0:
        lit = _shifted(lit, _color_around(photo, new), seamless)
    paste_plate(photo, lit, new, rng)


def paste_plate(photo: Image, flat: Image, corners: Corners, rng: Rng) -> None:
    """Pastes ``flat`` (BGRA) onto ``photo`` at ``corners`` (4, 2), in place. Parts outside the photo are cut off."""
    height, width = photo.shape[:2]
    low = np.floor(corners.min(axis=0)).astype(int) - 2
    high = np.ceil(corners.max(axis=0)).astype(int) + 3
    low, high = np.maximum(low, 0), np.minimum(high, (width, height))
    if np.any(high - low < 4):
        return
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    plate_width = float(np.linalg.norm(corners[1] - corners[0]))
    source = flat
    if plate_width < flat.shape[1]:  # shrink first: a warp alone would alias
        small = (max(8, round(plate_width)), max(6, round(flat.shape[0] * plate_width / flat.shape[1])))
        source = np.asarray(cv2.resize(flat, small, interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = source.shape[:2]
    outline = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    # Corners count from the outer edge of the first pixel, OpenCV from its centre.
    matrix = cv2.getPerspectiveTransform(outline - np.float32(0.5), (corners - low - 0.5).astype(np.float32))
    placed = cv2.warpPerspective(source, matrix, size, flags=cv2.INTER_LINEAR)
    if rng.random() < 0.6:
        placed = cv2.GaussianBlur(placed, (0, 0), rng.uniform(0.3, 1.3))
    alpha = placed[..., 3:].astype(np.float32) / 255
    region = photo[low[1] : high[1], low[0] : high[0]]
    region[:] = np.clip(placed[..., :3] * alpha + region * (1 - alpha), 0, 255)


def paint_out(photo: Image, corners: Corners) -> None:
    """Covers the plate with a smooth continuation of its surroundings, in place."""
    center = corners.mean(axis=0)
    grown = (corners - center) * (1.12, 1.3) + center
    x, y, w, h = cv2.boundingRect(grown.astype(np.float32))
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = max(0, x - 8), max(0, y - 8), min(width, x + w + 8), min(height, y + h + 8)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    region = photo[y0:y1, x0:x1]
    # The filling is blurred anyway, so a thumbnail is inpainted, which is much faster.
    factor = min(1.0, 48 / max(region.shape[:2]))
    small = cv2.resize(region, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    mask = np.zeros(small.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round((grown - (x0, y0)) * factor).astype(np.int32), 255)
    filled = cv2.inpaint(small, mask, 2, cv2.INPAINT_TELEA)
    filled = cv2.resize(filled, (region.shape[1], region.shape[0]), interpolation=cv2.INTER_LINEAR)
    inside = np.zeros(region.shape[:2], np.float32)
    cv2.fillConvexPoly(inside, np.round(grown - (x0, y0)).astype(np.int32), 1.0)
    cover = np.asarray(cv2.GaussianBlur(inside, (0, 0), 1.5), np.float32)[..., None]
    region[:] = (filled * cover + region * (1 - cover)).astype(np.uint8)


def _matched_light(photo: Image, corners: Corners, flat: Image, rng: Rng) -> Image:
    """Returns ``flat`` (BGRA) with the brightness of ``photo`` around ``corners``."""
    x, y, w, h = cv2.boundingRect(corners.astype(np.float32))
    around = photo[max(0, y - h) : y + 2 * h, max(0, x - w // 4) : x + w + w // 4]
    if around.size == 0:
        return flat
    level = float(np.percentile(around[::4, ::4].max(axis=-1), 90))
    gain = np.clip((level / 190) ** rng.uniform(0.3, 0.9), 0.25, 1.15)
    lit = flat.copy()
    lit[..., :3] = np.clip(flat[..., :3] * gain + rng.normal(0, 4), 0, 255)
    return lit


def _color_around(photo: Image, corners: Corners) -> NDArray[np.float64]:
    """Returns the median BGR of ``photo`` in a narrow band around ``corners``; black if the band is outside."""
    center = corners.mean(axis=0)
    x, y, width, height = cv2.boundingRect((corners - center) * np.float32(1.3) + center)
    left, top = max(0, x), max(0, y)
    region = photo[top : max(top, y + height), left : max(left, x + width)]
    if region.size == 0:
        return np.zeros(3)
    band = np.zeros(region.shape[:2], np.uint8)
    for grown, value in ((1.3, 1), (1.03, 0)):
        cv2.fillConvexPoly(band, np.round((corners - center) * grown + center - (left, top)).astype(np.int32), value)
    colors = region[band > 0]
    return np.median(colors, axis=0) if len(colors) else np.zeros(3)


def _shifted(flat: Image, color: NDArray[np.float64], share: float) -> Image:
    """Returns ``flat`` (BGRA) with all its colours shifted by ``share`` of the way from its ground to ``color``.

    It is unchanged if the shift would remove the contrast of the lettering, as white on white.
    """
    face = np.ascontiguousarray(flat[..., :3])
    ground = np.median(face[::2, ::2].reshape(-1, 3), axis=0)  # lettering covers less than half
    shifted = np.clip(face + (color - ground) * share, 0, 255).astype(np.uint8)
    spread, spread_before = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).std() for picture in (shifted, face))
    if spread < 0.6 * spread_before:
        return flat
    return np.dstack([shifted, flat[..., 3:]])
