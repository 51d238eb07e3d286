"""Exposure control of the Pi camera by day and night, on sequences of pictures with their metadata."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from edge_lpr.cameras.metering import LightMeter
from edge_lpr.cameras.pi_exposure import create_exposure, exposure_of
from edge_lpr.config import PiCameraSettings
from tests.cameras.pi_scene import ADVERTISED, LANE, Scene, Shown

DAY, LAMP, NIGHT = 20_000.0, 400.0, 0.3
"""Lux on the lane: a bright day, under a strong lamp, no light."""

CAP_US = 4000 * 1.01


def turns(shown: Sequence[Shown]) -> int:
    """Returns how often the exposure changed direction, from longer to shorter or from shorter to longer."""
    changes = [b.time_us * b.gain - a.time_us * a.gain for a, b in pairwise(shown)]
    signs = [change > 0 for change in changes if change]
    return sum(a != b for a, b in pairwise(signs))


def change_times(shown: Sequence[Shown]) -> list[float]:
    """Returns the times at which the exposure was changed."""
    return [each.at_s for each in shown if each.controls is not None]


def test_a_day_and_a_night_and_a_morning() -> None:
    """Dusk and dawn take 10 minutes each, three times as fast as at the equator."""

    def light(at_s: float) -> float:
        return float(
            np.exp(np.interp(at_s, [0, 300, 900, 1200, 1800, 2100], np.log([DAY, DAY, NIGHT, NIGHT, DAY, DAY])))
        )

    shown = list(Scene(light, fps=2).play(2100))[40:]
    assert max(each.time_us for each in shown) <= CAP_US
    assert all(each.gain == 1 for each in shown if each.time_us < 3900), "gain is raised only at the longest time"
    within_reach = [each for each in shown if light(each.at_s) > LAMP]
    assert all(80 <= each.lane <= 135 for each in within_reach)
    night = [each for each in shown if 900 < each.at_s < 1200]
    assert all(each.gain > 12 and each.time_us > 3900 for each in night), "the maximum, except for the hysteresis"
    assert turns(shown) == 1, "one change of direction, without oscillation"


@pytest.mark.parametrize("lux", [100_000, DAY, 2000, LAMP])
@pytest.mark.parametrize("tone", [1.8, 2.2, 2.6])
def test_under_one_light_it_settles_and_stays(lux: float, tone: float) -> None:
    """This includes lamps that flicker: a short exposure receives another amount of light in each picture."""
    shown = list(Scene(lambda _: lux, tone=tone, flicker=0.15).play(60))
    assert sum(at_s > 10 for at_s in change_times(shown)) <= 2
    assert all(75 <= each.lane <= 145 for each in shown[150:])


@pytest.mark.parametrize("delay", [0, 4, 10, 20])
@pytest.mark.parametrize(("before", "after"), [(NIGHT, LAMP), (LAMP, NIGHT), (DAY, LAMP), (LAMP, DAY)])
def test_a_sudden_light_causes_no_oscillation(delay: int, before: float, after: float) -> None:
    shown = list(Scene(lambda at_s: before if at_s < 20 else after, delay=delay).play(40))
    assert turns(shown[100:]) == 0, "directly from one exposure to the other"
    later = shown[20 * 10 + 70 :]
    assert not change_times(later), "settled within seven seconds"
    assert after == NIGHT or all(80 <= each.lane <= 135 for each in later)


def test_plates_in_headlights_are_exposed_well_and_the_next_one_at_once() -> None:
    """The dark lane needs the maximum. In the headlights of a car a plate is as bright as by day."""
    arrivals = (30, 60, 300)

    def beam(at_s: float) -> float:
        return 4000.0 if any(start <= at_s < start + 6 for start in arrivals) else 0.0

    shown = list(Scene(lambda _: NIGHT, plate=beam).play(310))
    visits = [[each for each in shown if start <= each.at_s < start + 6] for start in arrivals]
    assert visits[0][0].plate == 255
    assert all(each.plate is not None and 130 <= each.plate <= 235 for visit in visits for each in visit[-20:])
    for visit in visits[1:]:
        assert visit[0].plate is not None and visit[0].plate < 250, "the difference of the previous plate is stored"
    assert max(each.time_us for each in shown[100:]) <= CAP_US


def test_plates_in_the_shade_by_day_have_priority_over_the_lane() -> None:
    shown = list(Scene(lambda _: DAY, plate=lambda at_s: DAY / 6 if at_s > 20 else 0.0).play(40))
    assert shown[190].lane < 135
    assert all(each.plate is not None and 150 <= each.plate <= 215 for each in shown[-50:])


def test_the_stored_difference_of_plates_decays() -> None:
    day = list(Scene(lambda _: DAY, plate=lambda at_s: DAY / 6 if 20 < at_s < 40 else 0.0, fps=1).play(3600))
    assert day[60].lane > 150, "shortly after, the lane is still brighter"
    assert day[-1].lane < 125


def test_plates_that_stay_dark_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        list(Scene(lambda _: NIGHT, plate=lambda at_s: 2.0 if at_s % 20 > 10 else 0.0).play(100))
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("Pi camera 0: plates are too dark at 4 ms and gain 16; light the lane")


def test_the_limits_are_those_of_the_settings() -> None:
    settings = PiCameraSettings(max_exposure_ms=1.0, max_gain=4.0)
    shown = list(Scene(lambda _: LAMP, settings=settings).play(30))[100:]
    assert all(each.time_us <= 1010 and each.gain <= 4.02 for each in shown)
    assert shown[-1].time_us > 950 and shown[-1].gain > 3.9


@pytest.mark.parametrize(
    "settings",
    [
        PiCameraSettings(max_exposure_ms=None),
        PiCameraSettings(controls={"ExposureTime": 2000}),
        PiCameraSettings(controls={"AeEnable": True}),
    ],
)
def test_the_exposure_is_left_to_the_camera_or_to_the_user(settings: PiCameraSettings) -> None:
    assert create_exposure(ADVERTISED, settings, LightMeter(), "camera") is None


def test_a_camera_without_exposure_controls_is_not_changed(caplog: pytest.LogCaptureFixture) -> None:
    without = {name: range_ for name, range_ in ADVERTISED.items() if name != "AnalogueGain"}
    assert create_exposure(without, PiCameraSettings(), LightMeter(), "camera") is None
    assert "has no exposure controls" in caplog.text


def test_metadata_without_an_exposure_changes_nothing() -> None:
    assert exposure_of({"SensorTimestamp": 1, "FrameDuration": 33_333}) is None
    assert exposure_of({"ExposureTime": 0, "AnalogueGain": 1.0}) is None


def test_the_meter_measures_only_the_lane() -> None:
    image = np.full((192, 320, 3), 200, np.uint8)
    image[96:] = 60
    assert LightMeter(LANE).lane_brightness(image) == 60
    assert LightMeter().lane_brightness(image) == pytest.approx(130, abs=15)
    ignoring = LightMeter((), [LANE])
    assert ignoring.lane_brightness(image) == pytest.approx(200, abs=10)
    ignoring.apply_areas(LANE, [])
    assert ignoring.lane_brightness(image) == 60
    assert LightMeter(LANE, [LANE]).lane_brightness(image) == pytest.approx(130, abs=15), (
        "an empty area means the whole picture"
    )
