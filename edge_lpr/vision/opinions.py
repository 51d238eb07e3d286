"""From a quad to a number: straighten, recognise, decode; and further opinions where the first is not certain.

The second opinion is of the same plate in two parts, each filling the picture. What is really written there is read the
same again; what was guessed often is not. Of two rows the upper one, whose province is the smallest print of all, is
believed as it is seen there. Where these two come to nothing certain, both are asked again about a slightly tighter
cut, and then about one whose corners were looked for anew. These are looked for anew at once where characters are seen
but no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.decoding import Decoded, decode, find_segments
from edge_lpr.vision.parts import Part, end_parts, row_parts
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.stages import StageObserver, stage
from edge_lpr.vision.straighten import grown

CERTAIN = 0.96
"""Raw confidence from which on a first opinion stands alone; so do 24 of 25 on real photos."""
SETTLED = 0.9
"""Raw confidence from which on the opinions so far are enough."""
TIGHTER = (-0.012, -0.025)
"""What the tighter cut shows more, or rather less, at each edge, shares of the plate's width and height. A larger one
instead sets fewer readings right."""
SURROUNDED = (0.08, 0.25)
"""The same of where a plate is looked for anew: one row of two may have been framed, or one edge missed."""
GLIMPSED = 0.2
"""How legible (0.0-1.0) something must be that is no number, so that it may be a part of one."""


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What the plate in ``quad`` was read as. ``colors`` (len(COLORS),) and ``rows`` (2,) are the recognizer's
    probabilities."""

    quad: Quad
    decoded: Decoded
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]


def read_plate(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None
) -> Opinion | None:
    """The number of the plate in ``quad`` of ``image`` (uint8, BGR), or None when no plate is seen there.

    ``observe`` is told the stages "straighten" and "recognise" of each look, and "decode" of each opinion; "refine"
    where the corners are looked for anew.
    """
    seen = _look(recognizer, partial(recognizer.straighten, image, quad), observe)
    first = _opinion(seen, quad, observe)
    if first is None and seen.legible >= GLIMPSED:
        quad = _looked_for_anew(recognizer, image, quad, observe)
        seen = _look(recognizer, partial(recognizer.straighten, image, quad), observe)
        first = _opinion(seen, quad, observe)
    if first is None or first.decoded.raw_confidence >= CERTAIN or not recognizer.reads_parts:
        return first
    whole, apart = _whole_and_apart(recognizer, image, quad, seen, observe)
    others = [apart]
    settled = settle(whole or first, others)
    cuts = _further_cuts(recognizer, image, quad, observe)
    while settled.decoded.raw_confidence < SETTLED and (cut := next(cuts, None)) is not None:
        again = _look(recognizer, partial(recognizer.straighten, image, cut), observe)
        others += _whole_and_apart(recognizer, image, cut, again, observe)
        settled = settle(whole or first, others)
    return settled


def parts_of(seen: Recognition) -> tuple[Part, Part]:
    """The parts of the plate to look at next, by where in ``seen``, a look at the whole, its characters stand."""
    columns = len(seen.steps) // 2
    shown = [segment for segment in find_segments(seen.steps) if segment.shown]
    # Most characters have their middle at the end of the step that shows them: strided convolutions look to the right.
    middles = [((one.start + one.stop + 1) / 2 - one.start // columns * columns) / columns for one in shown]
    if seen.two_rows:
        return row_parts([middle for one, middle in zip(shown, middles, strict=True) if one.start < columns])
    return end_parts(sorted(middles))


def settle(first: Opinion, others: Sequence[Opinion | None]) -> Opinion:
    """What several looks at one plate come to: the number that most confidence speaks for, shared out among all of
    them, also those that saw another number, or none. ``evidence`` is of all, where they are of a length; colours and
    rows are the first's, which saw the whole plate."""
    told = [opinion.decoded for opinion in (first, *others) if opinion is not None]
    spoken: dict[str, float] = {}
    for one in told:
        spoken[one.number] = spoken.get(one.number, 0.0) + one.raw_confidence
    number = max(spoken, key=lambda number: spoken[number])
    surest = max((one for one in told if one.number == number), key=lambda one: one.raw_confidence)
    alike = [one.evidence for one in told if len(one.number) == len(number)]
    evidence: NDArray[np.float32] = np.stack(alike).mean(axis=0)
    raw = spoken[number] / (1 + len(others))
    return replace(first, decoded=replace(surest, raw_confidence=raw, evidence=evidence))


def _further_cuts(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None
) -> Iterator[Quad]:
    """The other cuts to ask about, one after the other while they settle nothing."""
    yield grown(quad, TIGHTER)
    yield _looked_for_anew(recognizer, image, quad, observe)


def _looked_for_anew(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None
) -> Quad:
    with stage("refine", observe):
        return recognizer.refine(image, grown(quad, SURROUNDED))


def _whole_and_apart(
    recognizer: Recognizer,
    image: NDArray[np.uint8],
    quad: Quad,
    seen: Recognition,
    observe: StageObserver | None,
) -> tuple[Opinion | None, Opinion | None]:
    """The plate in ``quad`` as a whole, ``seen``, with its upper row as it is seen larger; and in two parts."""
    places = [partial(recognizer.straighten_part, image, quad, part) for part in parts_of(seen)]
    looks = [_look(recognizer, place, observe) for place in places]
    whole = seen.with_upper_row(looks[0]) if seen.two_rows else seen
    return _opinion(whole, quad, observe), _opinion(seen.in_parts(looks), quad, observe)


def _look(
    recognizer: Recognizer, straighten: Callable[[], NDArray[np.uint8]], observe: StageObserver | None
) -> Recognition:
    with stage("straighten", observe):
        plate = straighten()
    with stage("recognise", observe):
        return recognizer.recognize(plate)


def _opinion(recognition: Recognition, quad: Quad, observe: StageObserver | None) -> Opinion | None:
    with stage("decode", observe):
        decoded = decode(recognition)
    return None if decoded is None else Opinion(quad, decoded, recognition.colors, recognition.rows)
