"""Degradations of a picture by camera, weather and codec: blur, noise, light, colour, compression.

Every function takes and returns uint8, BGR. ``strength`` is 0.0 for no degradation and 1.0 for the worst of a gate
camera with which a person can still read the plate.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Image, Rng


def light(image: Image, rng: Rng, strength: float = 1.0) -> Image:
    """Changes exposure, contrast, gamma and white balance."""
    gain = np.exp(rng.normal(0, 0.28 * strength))
    offset = rng.normal(0, 16 * strength)
    balance = np.exp(rng.normal(0, 0.07 * strength, 3))
    gamma = np.exp(rng.normal(0, 0.22 * strength))
    ramp = np.arange(256, dtype=np.float32) / 255
    table = np.stack([255 * ramp**gamma * gain * b + offset for b in balance], axis=-1)
    return np.asarray(cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[None]), np.uint8)


def night(image: Image, rng: Rng) -> Image:
    """Makes a picture dark, noisy, and low in contrast and colour."""
    keep = rng.uniform(0.3, 1.0)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    mixed = cv2.addWeighted(image, keep, grey, 1 - keep, 0)
    dark = cv2.convertScaleAbs(mixed, alpha=rng.uniform(0.2, 0.55), beta=rng.uniform(0, 22))
    return noise(np.asarray(dark, np.uint8), rng, 0.8)


def infrared(image: Image, rng: Rng) -> Image:
    """Makes a picture grey, as of a camera in infrared light; the channels' weights are random."""
    weights = rng.dirichlet((2, 2, 2)).astype(np.float32)
    grey = cv2.transform(image, weights[None])
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def shade(image: Image, rng: Rng) -> Image:
    """Adds the edge of a shadow, or light that decreases across the picture."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    xs, ys = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    across = np.cos(angle) * xs[None] + np.sin(angle) * ys[:, None] + rng.uniform(-0.5, 0.5)
    edge = 1 / (1 + np.exp(-across * np.exp(rng.uniform(0.3, 3.5))))
    factor = 1 - rng.uniform(0.25, 0.7) * edge
    return np.asarray(image * factor[..., None], np.uint8)


def overexposed(image: Image, rng: Rng) -> Image:
    """Adds too much light: bright parts become white, and a veil reduces the contrast."""
    veil = rng.uniform(0, 90)
    return np.asarray(cv2.convertScaleAbs(image, alpha=rng.uniform(1.15, 2.2) * (1 - veil / 255), beta=veil), np.uint8)


def reflection(image: Image, rng: Rng) -> Image:
    """Adds the reflection of sky or a lamp: a pale or cyan veil over the plate or one side of it."""
    height, width = image.shape[:2]
    sky = np.array([(230, 215, 185), (225, 205, 90), (200, 200, 200), (215, 235, 245)][int(rng.integers(4))])
    angle, edge = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(0, 3))
    xs, ys = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    across = np.cos(angle) * xs[None] + np.sin(angle) * ys[:, None] + rng.uniform(-1, 1)
    share = (rng.uniform(0.15, 0.6) / (1 + np.exp(-edge * across)))[..., None]
    return np.asarray(np.clip(image * (1 - share) + (sky + rng.normal(0, 15, 3)) * share, 0, 255), np.uint8)


def glare(image: Image, rng: Rng) -> Image:
    """Adds a bright soft spot, as of a lamp or the sun."""
    height, width = image.shape[:2]
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    radius = rng.uniform(0.15, 0.7) * width
    spot = np.exp(-(((xs - x) / radius) ** 2 + ((ys - y) / (radius * rng.uniform(0.3, 1))) ** 2))
    return np.asarray(np.clip(image + spot[..., None] * rng.uniform(40, 150), 0, 255), np.uint8)


def noise(image: Image, rng: Rng, strength: float = 1.0) -> Image:
    """Adds sensor noise, partly in blotches as left by a denoiser."""
    height, width = image.shape[:2]
    sigma = abs(rng.normal(0, 9 * strength)) + 1
    coarse = int(rng.integers(1, 3))
    grain = np.empty((-(-height // coarse), -(-width // coarse), 3), np.int16)
    cv2.setRNGSeed(int(rng.integers(1 << 31)))
    cv2.randn(grain, np.zeros(3), np.full(3, sigma))
    if coarse > 1:
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(image, grain[:height, :width], dtype=cv2.CV_8U), np.uint8)


def motion_blur(image: Image, rng: Rng, longest: float) -> Image:
    """Blurs by movement during the exposure, mostly along the road; ``longest`` is in pixels."""
    length = rng.uniform(2, max(2.1, longest))
    angle = rng.normal(0, 0.5)
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    center = size // 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    start, end = (tuple(int(v) for v in np.round((center + s * reach) * 16)) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    total = kernel.sum()
    return image if total == 0 else np.asarray(cv2.filter2D(image, -1, kernel / total), np.uint8)


def focus_blur(image: Image, rng: Rng, widest: float) -> Image:
    """Blurs as a lens out of focus; ``widest`` is the greatest sigma in pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, max(0.31, widest))), np.uint8)


def rain(image: Image, rng: Rng) -> Image:
    """Adds streaks of rain and a veil."""
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), np.uint8)
    slant = rng.normal(0, 0.2)
    for _ in range(int(rng.integers(4, 25))):
        x, y = rng.uniform(0, width), rng.uniform(-height / 2, height)
        length = rng.uniform(0.1, 0.6) * height
        end = (round(x + slant * length), round(y + length))
        cv2.line(streaks, (round(x), round(y)), end, int(rng.integers(60, 200)), 1, cv2.LINE_AA)
    veil = cv2.addWeighted(image, rng.uniform(0.75, 1.0), np.full_like(image, 200), rng.uniform(0, 0.15), 0)
    return np.asarray(cv2.add(veil, cv2.cvtColor(streaks, cv2.COLOR_GRAY2BGR)), np.uint8)


def jpeg(image: Image, rng: Rng, lowest: int = 20) -> Image:
    """Compresses as JPEG at a random quality of at least ``lowest``."""
    quality = int(rng.integers(lowest, 92))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def sharpen(image: Image, rng: Rng) -> Image:
    """Adds the halo of cheap cameras' sharpening."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.2))
    amount = rng.uniform(0.3, 2.0)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
