"""From a quad to a number: straighten, recognise, decode; and a second opinion where the first is not certain.

The second opinion is of the same plate, cut a little closer. What is really written there is read the same again; what
was guessed often is not: of 371 doubtful readings of rendered plates, the 320 right ones changed in 11 cases, the 51
wrong ones in 31. Of two rows the upper one, whose province is the smallest print of all, is then looked at alone, twice
as large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.decoding import Decoded, decode
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.stages import StageObserver, stage

CERTAIN = 0.96
"""Raw confidence from which on a first opinion stands alone; so do eleven of twelve real plates."""

CLOSER = (0.0, 0.0)
"""The margin of the second cut."""


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

    ``observe`` is told the stages "straighten", "recognise" and "decode", of each opinion.
    """
    seen = _look(recognizer, lambda: recognizer.straighten(image, quad), observe)
    first = _opinion(seen, observe)
    if first is None or first.decoded.raw_confidence >= CERTAIN:
        return first
    closer = _look(recognizer, lambda: recognizer.straighten(image, quad, CLOSER), observe)
    if recognizer.reads_upper_rows and seen.rows[1] > seen.rows[0]:
        upper = _look(recognizer, lambda: recognizer.straighten_upper_row(image, quad), observe)
        closer = closer.with_upper_row_of(upper)
    return settle(first, _opinion(closer, observe))


def settle(first: Opinion, second: Opinion | None) -> Opinion:
    """What two looks at one plate come to: the number of the surer one, half as sure if the other saw another number,
    or none. ``evidence`` is of both, where they are of a length."""
    if second is None:
        return replace(first, decoded=replace(first.decoded, raw_confidence=first.decoded.raw_confidence / 2))
    surer, other = sorted((first.decoded, second.decoded), key=lambda one: one.raw_confidence, reverse=True)
    agreed = other.raw_confidence if other.number == surer.number else 0.0
    evidence = surer.evidence
    if len(other.number) == len(surer.number):
        evidence = _mean(surer.evidence, other.evidence)
    return Opinion(
        replace(surer, raw_confidence=(surer.raw_confidence + agreed) / 2, evidence=evidence),
        _mean(first.colors, second.colors),
        _mean(first.rows, second.rows),
    )


def _mean(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return (a + b) * np.float32(0.5)


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
