"""From a quad to a number: straighten, recognise, decode; and a second opinion where the first is not certain.

The second opinion is of the same plate in two parts, each filling the picture. What is really written there is read the
same again; what was guessed often is not. Of two rows the upper one, whose province is the smallest print of all, is
believed as it is seen there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.decoding import Decoded, decode, find_segments
from edge_lpr.vision.parts import Part, end_parts, row_parts
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.stages import StageObserver, stage

CERTAIN = 0.96
"""Raw confidence from which on a first opinion stands alone; so do eleven of twelve real plates."""


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What a plate was read as. ``colors`` (len(COLORS),) and ``rows`` (2,) are the recognizer's probabilities."""

    decoded: Decoded
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]


def read_plate(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None
) -> Opinion | None:
    """The number of the plate in ``quad`` of ``image`` (uint8, BGR), or None when no plate is seen there.

    ``observe`` is told the stages "straighten" and "recognise" of each look, and "decode" of each opinion.
    """
    seen = _look(recognizer, lambda: recognizer.straighten(image, quad), observe)
    first = _opinion(seen, observe)
    if first is None or first.decoded.raw_confidence >= CERTAIN or not recognizer.reads_parts:
        return first
    places = [partial(recognizer.straighten_part, image, quad, part) for part in parts_of(seen)]
    parts = [_look(recognizer, place, observe) for place in places]
    if seen.two_rows:
        first = _opinion(seen.with_upper_row(parts[0]), observe) or first
    return settle(first, _opinion(seen.in_parts(parts), observe))


def parts_of(seen: Recognition) -> tuple[Part, Part]:
    """The parts of the plate to look at next, by where in ``seen``, a look at the whole, its characters stand."""
    columns = len(seen.steps) // 2
    shown = [segment for segment in find_segments(seen.steps) if segment.shown]
    # Most characters have their middle at the end of the step that shows them: strided convolutions look to the right.
    middles = [((one.start + one.stop + 1) / 2 - one.start // columns * columns) / columns for one in shown]
    if seen.two_rows:
        return row_parts([middle for one, middle in zip(shown, middles, strict=True) if one.start < columns])
    return end_parts(sorted(middles))


def settle(first: Opinion, second: Opinion | None) -> Opinion:
    """What two looks at one plate come to: the number of the surer one, half as sure if the other saw another number,
    or none. ``evidence`` is of both, where they are of a length; colours and rows are the first's, which saw the whole
    plate."""
    if second is None:
        return replace(first, decoded=replace(first.decoded, raw_confidence=first.decoded.raw_confidence / 2))
    surer, other = sorted((first.decoded, second.decoded), key=lambda one: one.raw_confidence, reverse=True)
    agreed = other.raw_confidence if other.number == surer.number else 0.0
    evidence = surer.evidence
    if len(other.number) == len(surer.number):
        evidence = (surer.evidence + other.evidence) * np.float32(0.5)
    return replace(first, decoded=replace(surer, raw_confidence=(surer.raw_confidence + agreed) / 2, evidence=evidence))


def _look(
    recognizer: Recognizer, straighten: Callable[[], NDArray[np.uint8]], observe: StageObserver | None
) -> Recognition:
    with stage("straighten", observe):
        plate = straighten()
    with stage("recognise", observe):
        return recognizer.recognize(plate)


def _opinion(recognition: Recognition, observe: StageObserver | None) -> Opinion | None:
    with stage("decode", observe):
        decoded = decode(recognition)
    return None if decoded is None else Opinion(decoded, recognition.colors, recognition.rows)
