"""Where training cuts a canvas: a part shows its own characters, complete, and no others."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.training.augment import crops
from models.training.augment.canvases import CANVAS_HEIGHT, CANVAS_WIDTH, INNER, Canvas, usual_boxes
from models.training.augment.crops import aim, closely, cut, shown_part
from models.training.data.pool import FLAT_HEIGHT, FLAT_WIDTH

ONE_ROW = usual_boxes("京A12345", 1)
UPPER = [(left, 0.07, left + 0.12, 0.34) for left in (0.3, 0.58)]
LOWER = [(left, 0.44, left + 0.15, 0.93) for left in (0.04, 0.23, 0.42, 0.61, 0.8)]
TWO_ROWS = np.array(UPPER + LOWER, np.float32)


def canvas(rows: int) -> Canvas:
    """A plate on black, whose n-th character is a block of tone 40 + 30 n."""
    image = np.zeros((CANVAS_HEIGHT, CANVAS_WIDTH, 3), np.uint8)
    boxes = TWO_ROWS if rows == 2 else ONE_ROW
    assert boxes is not None
    for place, box in enumerate(boxes):
        left, top, right, bottom = (np.tile(INNER[0], 2) + box * np.tile((FLAT_WIDTH, FLAT_HEIGHT), 2)).round()
        image[int(top) : int(bottom), int(left) : int(right)] = 40 + 30 * place
    return Canvas(image, "京A12345", 0, rows - 1, 2 * (rows - 1), False, boxes=boxes)


def shown(picture: np.ndarray) -> str:
    """The characters whose tones fill half the height of ``picture`` or more, on four columns or more."""
    tones = [np.abs(picture[..., 0].astype(int) - (40 + 30 * place)) <= 6 for place in range(7)]
    filled = [(tone.mean(axis=0) >= 0.5).sum() >= 4 for tone in tones]
    return "".join(character for character, there in zip("京A12345", filled, strict=True) if there)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_part_shows_its_own_characters_and_no_others(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops, "OVERLOOKED", 0.0)
    rng = np.random.default_rng(5)
    texts = set()
    for _ in range(40):
        whole = canvas(rows)
        part, corners, place = shown_part(whole, closely(whole), rng)
        picture, _ = cut(part, corners)
        texts.add(part.number)
        assert shown(picture) == part.number
        assert part.rows == 0 and part.upper == 0
        assert 0 <= place.left < place.right <= 1 and 0 <= place.top < place.bottom <= 1
    # a plate of one row is sometimes divided one gap further on, since the characters' positions have errors
    assert texts == {"京A", "12345"} if rows == 2 else {"京A1", "2345"} <= texts <= {"京A1", "2345", "京A12", "345"}


def test_the_two_parts_are_the_whole_number_also_where_a_character_was_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crops, "OVERLOOKED", 1.0)
    rng = np.random.default_rng(6)
    whole = canvas(1)
    for _ in range(40):
        part, corners, place = shown_part(whole, closely(whole), rng)
        assert whole.number.startswith(part.number) if place.left == 0 else whole.number.endswith(part.number)
        assert shown(cut(part, corners)[0]) in (part.number, part.number[:-1], part.number[1:])


@pytest.mark.parametrize("refine", [True, False])
def test_a_cut_comes_with_the_plates_corners_in_it(refine: bool) -> None:
    rng = np.random.default_rng(7)
    marked = canvas(1)
    image = np.zeros_like(marked.image)
    cv2.fillConvexPoly(image, INNER.round().astype(np.int32), (255, 255, 255))
    for _ in range(20):
        picture, corners = cut(replace(marked, image=image), aim(marked, rng, refine))
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, corners.round().astype(np.int32), 255)
        assert np.abs(picture[..., 0].astype(int) - inside).mean() < 8


def test_some_cuts_for_refinement_show_the_lower_row_only_or_more_than_the_plate() -> None:
    """The detector makes such errors, and only refinement can correct them."""
    rng = np.random.default_rng(8)
    height = {}
    for rows in (1, 2):
        found = [cut(canvas(rows), aim(canvas(rows), rng, True))[1] for _ in range(400)]
        height[rows] = np.array([corners[2:, 1].mean() - corners[:2, 1].mean() for corners in found])
    usual = np.median(height[1])
    assert 0.008 < (height[1] < 0.65 * usual).mean() < 0.08  # a small part of the picture: it shows other objects too
    assert 0.03 < (height[2] > 1.5 * usual).mean() < 0.15  # higher than the picture: the upper row is outside
