"""The tracker publishes one passage per vehicle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from edge_lpr.config import PassageSettings
from edge_lpr.passages import Direction
from edge_lpr.plates import Category, Color
from edge_lpr.tracking.tracker import TrackerCounts
from tests.tracking.film import HEIGHT, START, WIDTH, Film, misread, plate

CAR, SIMILAR, OTHER = "粤LQ092V", "粤LQ093V", "京AF0236"


def approach(film: Film, number: str, frames: int, *, x: float = 900, seed: int = 0, confidence: int = 93) -> None:
    """Adds a car that approaches the camera: its plate moves down the picture and grows."""
    rng = np.random.default_rng(seed)
    for i in range(frames):
        film.show(plate(number, x, 300 + 20 * i, width=70 + 4 * i, confidence=confidence, rng=rng))


def test_one_car_is_one_passage() -> None:
    film = Film()
    approach(film, CAR, 30)
    assert film.end() == [CAR]
    passage = film.passages[0]
    assert passage.color is Color.BLUE
    assert passage.category is Category.STANDARD
    assert passage.rows == 1
    assert 93 <= passage.confidence <= 99
    assert passage.first_seen_at == START + timedelta(seconds=100.1)
    assert passage.captured_at >= passage.first_seen_at
    assert passage.rect.width > 0


def test_a_certain_vote_is_published_before_the_track_ends() -> None:
    film = Film()
    approach(film, CAR, 8)
    assert film.numbers == [CAR]
    assert film.passages[0].frames <= 6


def test_a_car_is_published_when_the_camera_gives_no_more_frames() -> None:
    film = Film(PassageSettings(sure_frames=10, max_gap_s=1))
    approach(film, CAR, 5)
    assert film.tracker.end_lost_tracks(film.time_s + 0.9) == []
    assert [passage.number for passage in film.tracker.end_lost_tracks(film.time_s + 1.1)] == [CAR]
    assert film.end() == []


def test_a_passage_keeps_the_best_frame_that_was_read_as_its_number() -> None:
    film = Film(PassageSettings(sure_frames=10), fps=10)
    for i in range(6):
        film.show(plate(CAR, 500 + 60 * i, width=80 + 6 * i, rng=np.random.default_rng(i)))
    film.show(plate(SIMILAR, 860, width=130, truth=CAR, confidence=60))
    film.end()
    assert film.passages[0].captured_at == START + timedelta(seconds=100.6)
    assert film.passages[0].frames == 7


@pytest.mark.parametrize(
    ("growth", "direction"), [(5, Direction.APPROACHING), (-5, Direction.LEAVING), (0, Direction.UNKNOWN)]
)
def test_direction_comes_from_the_plate_s_size(growth: float, direction: Direction) -> None:
    film = Film(PassageSettings(sure_frames=10))
    for i in range(12):
        film.show(plate(CAR, 500 + 30 * i, width=120 + growth * i, rng=np.random.default_rng(i)))
    film.end()
    assert film.passages[0].direction is direction


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_character_in_a_third_of_the_frames_is_outvoted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    film = Film(PassageSettings(sure_frames=8))
    wrong = set(rng.choice(30, 9, replace=False).tolist())
    for i in range(30):
        read = misread(CAR, rng, position=4) if i in wrong else CAR
        film.show(plate(read, 600 + 20 * i, 300 + 10 * i, confidence=85, truth=CAR, rng=rng))
    assert film.end() == [CAR]
    assert film.tracker.counts.overturned == 0


def test_two_similar_plates_in_one_frame_are_two_cars() -> None:
    film, rng = Film(), np.random.default_rng(1)
    for i in range(20):
        film.show(plate(CAR, 500, 300 + 20 * i, rng=rng), plate(SIMILAR, 1100, 320 + 20 * i, rng=rng, confidence=90))
    assert sorted(film.end()) == sorted([CAR, SIMILAR])


def test_several_plates_in_one_frame_are_several_passages() -> None:
    film, rng = Film(), np.random.default_rng(1)
    numbers = ["京AF0236", "粤BD12345", "皖A88K21", "沪C5T901"]
    for i in range(15):
        film.show(*(plate(number, 300 + 400 * k, 300 + 15 * i, rng=rng) for k, number in enumerate(numbers)))
    assert sorted(film.end()) == sorted(numbers)


def test_one_plate_found_twice_in_a_frame_is_one_car() -> None:
    film, rng = Film(), np.random.default_rng(1)
    for i in range(15):
        second = plate(SIMILAR, 910, 305 + 15 * i, rng=rng, confidence=88, truth=CAR)
        film.show(plate(CAR, 900, 300 + 15 * i, rng=rng, confidence=95), second)
    assert film.end() == [CAR]


def test_a_car_that_follows_bumper_to_bumper_is_another_car() -> None:
    film = Film()
    rng = np.random.default_rng(2)
    for number in (CAR, OTHER):  # At the same position, without a frame between them.
        for _ in range(10):
            film.show(plate(number, 900 + rng.normal(0, 2), 700, rng=rng))
    assert film.end() == [CAR, OTHER]


def test_a_convoy_of_similar_plates_is_several_cars() -> None:
    film = Film()
    for k, number in enumerate((CAR, SIMILAR, "粤LQ094V")):  # Each appears where the previous one appeared.
        approach(film, number, 20, seed=k, confidence=95 - 2 * k)
        film.empty(0.3)
    assert film.end() == [CAR, SIMILAR, "粤LQ094V"]


def test_a_car_parked_for_ten_minutes_is_one_passage() -> None:
    film, rng = Film(fps=2), np.random.default_rng(3)
    for _ in range(1200):
        seen = rng.random() < 0.8
        film.show(*([plate(CAR, 900 + rng.normal(0, 1), rng=rng)] if seen else []))
    assert film.end() == [CAR]


def test_a_parked_car_lost_and_found_again_stays_suppressed_while_it_is_seen() -> None:
    film, rng = Film(PassageSettings(repeat_after_s=20), fps=5), np.random.default_rng(3)
    for _ in range(20):  # Five seconds visible, eight hidden, for over four minutes.
        for _ in range(25):
            film.show(plate(CAR, rng=rng))
        film.empty(8)
    assert film.end() == [CAR]
    assert film.tracker.counts.repeats >= 10


def test_a_waiting_car_is_published_although_the_vote_is_not_certain() -> None:
    film, rng = Film(), np.random.default_rng(4)
    for _ in range(40):
        film.show(plate(CAR, confidence=86, rng=rng))
    assert film.numbers == [CAR]


def test_a_car_that_comes_back_after_the_window_is_a_second_passage() -> None:
    film = Film(PassageSettings(repeat_after_s=30), fps=5)
    approach(film, CAR, 15)
    film.empty(25)
    approach(film, CAR, 15)
    assert film.numbers == [CAR]
    film.empty(40)
    approach(film, CAR, 15)
    assert film.end() == [CAR, CAR]


def test_a_slow_car_is_one_passage() -> None:
    film, rng = Film(fps=5), np.random.default_rng(5)
    for i in range(900):  # Three minutes with one plate width per ten seconds, sometimes hidden.
        hidden = i % 100 > 85
        film.show(*([] if hidden else [plate(CAR, 300 + 2.4 * i % 1200, rng=rng)]))
    assert film.end() == [CAR]


def test_missed_frames_do_not_break_a_track() -> None:
    film, rng = Film(PassageSettings(repeat_after_s=0, sure_frames=20)), np.random.default_rng(6)
    for i in range(40):
        seen = i % 7 not in (2, 3, 4)
        film.show(*([plate(CAR, 300 + 25 * i, 300 + 10 * i, rng=rng)] if seen else []))
    assert film.end() == [CAR]
    assert film.tracker.counts.repeats == film.tracker.counts.unsure == 0


def test_each_photo_is_a_separate_scene() -> None:
    film = Film(fps=10)
    numbers = [CAR, SIMILAR, OTHER, "皖A88K21"]
    for k, number in enumerate(numbers):
        film.source = f"photo-{k}.jpg"
        reading = plate(number, confidence=90 - k)
        for _ in range(5):
            film.show(reading)
    assert film.end() == numbers


def test_a_photo_held_for_many_frames_has_the_confidence_of_one_frame() -> None:
    film = Film()
    reading = plate(CAR, confidence=87)
    for _ in range(5):
        film.show(reading)
    assert film.end() == [CAR]
    assert film.passages[0].confidence == 87


def test_only_plates_in_the_lane_count() -> None:
    film, rng = Film(PassageSettings(lane=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))), np.random.default_rng(7)
    for i in range(15):
        film.show(plate(CAR, 400, 300 + 20 * i, rng=rng), plate(OTHER, 1400, 300 + 20 * i, rng=rng))
    assert film.end() == [OTHER]


def test_a_sign_misread_at_low_confidence_is_no_passage() -> None:
    film, rng = Film(), np.random.default_rng(8)
    for _ in range(300):
        film.show(plate("粤B81T11", confidence=int(rng.integers(30, 60)), rng=rng))
    assert film.end() == []
    assert film.tracker.counts.unsure == 1


def test_a_single_frame_is_not_enough() -> None:
    film = Film()
    film.show(plate(CAR, confidence=99))
    film.empty(2)
    assert film.end() == []
    assert film.tracker.counts.unsure == 1


def test_text_that_is_no_plate_number_is_never_published() -> None:
    film, rng = Film(), np.random.default_rng(9)
    for i in range(20):
        film.show(plate("20240501", 300 + 30 * i, confidence=97, rng=rng))
    assert film.end() == []


@pytest.mark.parametrize("step", [1.5, 2.5, 4.0])
def test_a_fast_car_at_five_frames_a_second_is_followed(step: float) -> None:
    film, rng = Film(fps=5), np.random.default_rng(10)
    for i in range(4):  # It moves by more than its plate's width per frame.
        film.show(plate(CAR, 100 + step * 100 * i, 400 + 30 * i, width=100, confidence=90, rng=rng))
    assert film.end() == [CAR]
    assert film.tracker.counts.unsure == film.tracker.counts.repeats == 0


def test_similar_plates_side_by_side_at_a_low_frame_rate_are_kept_apart() -> None:
    film, rng = Film(fps=5), np.random.default_rng(11)
    for i in range(5):  # Each moves to the previous position of the other.
        film.show(
            plate(CAR, 100 + 300 * i, 400, width=100, rng=rng), plate(SIMILAR, 400 + 300 * i, 400, width=100, rng=rng)
        )
    assert sorted(film.end()) == sorted([CAR, SIMILAR])
    assert film.tracker.counts.unsure == 0


def test_an_overturned_vote_is_counted_and_not_published_again() -> None:
    film, rng = Film(), np.random.default_rng(12)
    for i in range(4):
        film.show(plate(SIMILAR, 600 + 70 * i, width=60, confidence=94, truth=CAR, rng=rng))
    assert film.numbers == [SIMILAR]
    for i in range(4, 18):
        film.show(plate(CAR, 600 + 70 * i, width=60 + 5 * (i - 4), confidence=97, rng=rng))
    assert film.tracker.counts.overturned == 1
    film.empty(3)
    for i in range(10):  # It is the same vehicle when it is found again.
        film.show(plate(CAR, 600 + 70 * i, rng=rng))
    assert film.end() == [SIMILAR]
    assert film.tracker.counts.repeats == 1


def test_a_parked_car_misread_when_found_again_is_the_same_car() -> None:
    film, rng = Film(fps=5), np.random.default_rng(13)
    for _ in range(20):
        film.show(plate(CAR, confidence=96, rng=rng))
    film.empty(2)
    for _ in range(20):
        film.show(plate(SIMILAR, 905, confidence=88, truth=CAR, rng=rng))
    assert film.end() == [CAR]
    assert film.tracker.counts == TrackerCounts(published=1, repeats=1)


def test_a_less_certain_similar_plate_elsewhere_is_another_car() -> None:
    film, rng = Film(fps=5), np.random.default_rng(14)
    for _ in range(20):
        film.show(plate(CAR, confidence=96, rng=rng))
    film.empty(2)
    for _ in range(20):
        film.show(plate(SIMILAR, 500, confidence=88, rng=rng))
    assert film.end() == [CAR, SIMILAR]


def test_a_painted_number_is_the_same_truck() -> None:
    film, rng = Film(), np.random.default_rng(15)
    for i in range(20):
        film.show(
            plate("鲁H12345", 900, 500 + 5 * i, color=Color.YELLOW, rng=rng),
            plate("鲁H12345", 900, 250 + 5 * i, width=200, color=Color.PAINTED, rng=rng, confidence=91),
        )
    assert film.end() == ["鲁H12345"]


def test_flush_publishes_what_was_due_and_ends_all_tracks() -> None:
    film = Film(PassageSettings(sure_frames=100))
    approach(film, CAR, 5)
    assert film.numbers == []
    assert [passage.number for passage in film.tracker.flush()] == [CAR]
    assert film.tracker.flush() == []


def test_the_counts_add_up() -> None:
    film = Film()
    approach(film, CAR, 15)
    film.empty(2)
    approach(film, CAR, 15)
    film.empty(2)
    approach(film, OTHER, 15, confidence=40)
    film.end()
    counts = film.tracker.counts
    assert (counts.published, counts.repeats, counts.unsure) == (1, 1, 1)


def random_traffic(rng: np.random.Generator) -> tuple[Film, list[str]]:
    """Plays random traffic: each car comes, may wait, and leaves. Some characters and frames are misread or missed."""
    film, driven = Film(fps=float(rng.choice([5, 10, 25]))), []
    for _ in range(5):
        serial = "".join(rng.choice(list("0123456789"), 4))
        number = f"{rng.choice(list('皖粤京苏'))}{rng.choice(list('ABCD'))}{rng.choice(list('KTX'))}{serial}"
        driven.append(number)
        x, waits = float(rng.uniform(600, 1200)), int(rng.integers(0, 3)) * film.fps
        frames = round(2 * film.fps + waits)
        for i in range(frames):
            moved = min(i, 2 * film.fps) / film.fps
            if rng.random() < 0.1:
                film.show()
                continue
            read = misread(number, rng) if rng.random() < 0.12 else number
            shake = rng.normal(0, 2, 2)
            confidence = int(rng.integers(70, 85) if read != number else rng.integers(85, 98))
            film.show(
                plate(
                    read, x + shake[0], 300 + 250 * moved + shake[1], width=70 + 40 * moved,
                    confidence=confidence, truth=number, rng=rng,
                )
            )  # fmt: skip
        film.empty(1.2)
    return film, driven


@pytest.mark.parametrize("seed", range(12))
def test_random_traffic_gives_one_passage_per_car(seed: int) -> None:
    film, driven = random_traffic(np.random.default_rng(seed))
    assert film.end() == driven


@pytest.mark.parametrize(
    "scene",
    [
        lambda film: approach(film, CAR, 20),
        lambda film: [film.show(plate(CAR, rng=np.random.default_rng(i))) for i in range(30)],
    ],
)
def test_confidence_stays_a_whole_number_from_0_to_100(scene: Callable[[Film], object]) -> None:
    film = Film()
    scene(film)
    film.end()
    assert all(isinstance(p.confidence, int) and 0 <= p.confidence <= 100 for p in film.passages)


def test_another_picture_size_is_another_scene_with_the_same_vehicle() -> None:
    """Positions in pixels are not comparable then, but the number is."""
    film = Film()
    for _ in range(10):
        film.show(plate(CAR))
    film.size = (WIDTH // 2, HEIGHT // 2)
    for _ in range(10):
        film.show(plate(CAR, 450, 300, width=60))
    assert film.end() == [CAR]


def test_changed_settings_apply_to_visible_plates() -> None:
    film = Film(PassageSettings(repeat_after_s=60), min_confidence=99)
    approach(film, CAR, 10, confidence=85)
    assert film.tracker.has_tracks
    assert film.numbers == []
    film.tracker.apply_settings(PassageSettings(repeat_after_s=1), 80)
    assert film.end() == [CAR]
    film.empty(3)
    approach(film, CAR, 10, confidence=85)
    assert film.end() == [CAR, CAR]
