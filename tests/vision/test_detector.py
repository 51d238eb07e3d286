"""The steps of the detector: letterbox, decoding of the grids, non-maximum suppression."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.vision.detector import PADDING_GREY, decode_grids, letterbox, suppress_overlaps

HEIGHT, WIDTH = 384, 640


def empty_outputs() -> dict[str, NDArray[np.float32]]:
    outputs = {}
    for stride in (8, 16, 32):
        outputs[f"score_{stride}"] = np.full((1, HEIGHT // stride, WIDTH // stride, 1), -8, dtype=np.float32)
        outputs[f"corners_{stride}"] = np.zeros((1, HEIGHT // stride, WIDTH // stride, 8), dtype=np.float32)
    return outputs


def plate(x: float, y: float, width: float = 120, height: float = 40) -> NDArray[np.float32]:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=np.float32)


@pytest.mark.parametrize(
    ("size", "scale", "fitted"),
    [
        ((720, 1280), 0.5, (360, 640)),
        ((1280, 720), 0.3, (384, 216)),
        ((192, 320), 2.0, (384, 640)),
        ((1, 1), 384, None),
    ],
)
def test_letterbox_keeps_the_aspect(size: tuple[int, int], scale: float, fitted: tuple[int, int] | None) -> None:
    canvas, found = letterbox(np.full((*size, 3), 200, dtype=np.uint8), WIDTH, HEIGHT)
    assert canvas.shape == (HEIGHT, WIDTH, 3)
    assert found == pytest.approx(scale)
    if fitted is not None:
        assert (canvas[: fitted[0], : fitted[1]] == 200).all()
        assert (canvas[fitted[0] :] == PADDING_GREY).all()
        assert (canvas[:, fitted[1] :] == PADDING_GREY).all()


def test_corners_are_offsets_from_the_cell_center_in_cells() -> None:
    outputs = empty_outputs()
    outputs["score_16"][0, 10, 20, 0] = 2.0
    outputs["corners_16"][0, 10, 20] = [-3, -1, 3, -1, 3, 1, -3, 1]
    quads, scores = decode_grids(outputs, 0.5)
    assert scores == pytest.approx([0.8808], abs=1e-4)
    assert quads[0].tolist() == [[280, 152], [376, 152], [376, 184], [280, 184]]


def test_candidates_of_all_grids_come_best_first() -> None:
    outputs = empty_outputs()
    outputs["score_8"][0, 1, 1, 0], outputs["score_16"][0, 1, 1, 0], outputs["score_32"][0, 1, 1, 0] = 1.0, 3.0, 2.0
    quads, scores = decode_grids(outputs, 0.5)
    assert quads.shape == (3, 4, 2)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert quads[0, 0].tolist() == [24, 24]


def test_nothing_above_the_threshold() -> None:
    quads, scores = decode_grids(empty_outputs(), 0.5)
    assert suppress_overlaps(quads, scores, 0.4) == []


def test_overlapping_candidates_become_one_plate_with_averaged_corners() -> None:
    quads = np.stack([plate(100, 100), plate(104, 102), plate(300, 100), plate(160, 105, 60, 30)])
    scores = np.array([0.9, 0.9, 0.8, 0.1], dtype=np.float32)
    found = suppress_overlaps(quads, scores, 0.2)
    assert [detection.score for detection in found] == pytest.approx([0.9, 0.8])
    assert found[0].quad.top_left == pytest.approx((102, 101))
    assert found[1].quad.top_left == pytest.approx((300, 100))


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (100, 0), (100, 2), (0, 2)],
        [(0, 0), (100, 40), (100, 0), (0, 40)],
        [(0, 0), (0, 40), (100, 40), (100, 0)],
        [(0, 0), (100, 0), (20, 10), (0, 40)],
        [(5, 5), (5, 5), (5, 5), (5, 5)],
    ],
    ids=["flat", "crossed", "mirrored", "concave", "point"],
)
def test_invalid_quads_are_dropped(corners: list[tuple[float, float]]) -> None:
    assert suppress_overlaps(np.array([corners], dtype=np.float32), np.array([0.9], dtype=np.float32), 0.4) == []
