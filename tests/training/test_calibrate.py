"""The fit of the confidence: it follows the data, and a few readings do not bend it."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.export import calibrate


def drawn(slope: float, offset: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Raw confidences, and whether the number is right with the probability of the line."""
    rng = np.random.default_rng(1)
    logit = rng.uniform(-3, 4, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(slope * logit + offset)))
    return 1 / (1 + np.exp(-logit)), right


def test_the_line_of_the_readings_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "WRONG_WEIGHT", 1.0)
    slope, offset = calibrate.fit(*drawn(1.4, 0.5, 20_000))
    assert slope == pytest.approx(1.4, abs=0.1)
    assert offset == pytest.approx(0.5, abs=0.1)


def test_wrong_readings_weigh_more_than_right_ones() -> None:
    _, offset = calibrate.fit(*drawn(1.0, 0.0, 20_000))
    assert offset < -0.2


def test_a_few_readings_stay_near_the_neutral_line() -> None:
    slope, offset = calibrate.fit(np.array([0.9, 0.95, 0.99]), np.array([True, True, True]))
    assert slope == pytest.approx(1, abs=0.2) and offset == pytest.approx(0, abs=0.3)


def test_the_expected_error_is_the_mean_difference() -> None:
    right = np.array([True] * 8 + [False] * 2)
    assert calibrate.expected_error(np.full(10, 0.8), right, bins=1) == pytest.approx(0)
    assert calibrate.expected_error(np.full(10, 0.5), right, bins=1) == pytest.approx(0.3)
