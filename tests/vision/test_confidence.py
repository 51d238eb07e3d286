"""Which decoded numbers are reported, and with which confidence."""

from __future__ import annotations

import numpy as np

from edge_lpr.plates import ALPHABET
from edge_lpr.vision.confidence import MAX_INVALID_NUMBER_CONFIDENCE, calibrated_confidence, is_plausible
from edge_lpr.vision.ctc_decoding import DecodedNumber
from edge_lpr.vision.model_file import Calibration


def valid(raw_confidence: float) -> DecodedNumber:
    return DecodedNumber("京A12345", raw_confidence, True, np.zeros((7, len(ALPHABET)), dtype=np.float32))


def invalid(raw_confidence: float) -> DecodedNumber:
    return DecodedNumber("京ABCDEF", raw_confidence, False, np.zeros((7, len(ALPHABET)), dtype=np.float32))


def test_calibration_is_linear_in_the_logit() -> None:
    assert calibrated_confidence(valid(0.9), Calibration(1.0, 0.0)) == 90
    assert calibrated_confidence(valid(0.9), Calibration(0.0, 0.0)) == 50
    assert calibrated_confidence(valid(0.9), Calibration(1.0, -2.0)) < 60
    assert calibrated_confidence(valid(1.0), Calibration(5.0, 0.0)) == 100


def test_an_invalid_number_gets_a_low_confidence() -> None:
    assert calibrated_confidence(invalid(0.98), Calibration()) == MAX_INVALID_NUMBER_CONFIDENCE


def test_an_invalid_number_needs_a_sure_detection_and_a_clear_picture() -> None:
    assert is_plausible(invalid(0.98), 0.95, 0.1)
    assert not is_plausible(invalid(0.98), 0.6, 0.1)
    assert not is_plausible(invalid(0.4), 0.95, 0.1)


def test_without_a_sure_detection_a_valid_number_has_to_be_clear() -> None:
    assert is_plausible(valid(0.98), 0.6, 0.1)
    assert is_plausible(valid(0.4), 0.8, 0.1)
    assert not is_plausible(valid(0.4), 0.6, 0.1)


def test_without_a_certain_detection_a_valid_number_needs_a_fair_confidence() -> None:
    assert is_plausible(valid(0.15), 0.95, 0.1)
    assert not is_plausible(valid(0.15), 0.8, 0.1)
    assert not is_plausible(valid(0.05), 0.95, 0.1)
