"""From a quad to a number: straighten, recognise, decode; and further looks where the first is not certain.

The second look is at the same plate in two parts, each filling the picture. What is really written there is read the
same again; what was guessed often is not. While that settles nothing, whole and parts are looked at again in a slightly
tighter cut, in a looser one, and in one whose corners were looked for anew. Every number that any of these looks reads
is then held against all of them, and that which they bear out best together counts. Corners are looked for anew at once
where characters are seen but no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.plates import is_valid_number
from edge_lpr.vision.decoding import Decoded, decode, find_segments, improbability
from edge_lpr.vision.likelihood import log_likelihoods
from edge_lpr.vision.parts import Part, end_parts, row_parts
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.stages import StageObserver, stage
from edge_lpr.vision.straighten import grown

CERTAIN = (0.96, 0.99)
"""Raw confidence from which on a first look at one row, and at two, stands alone; so do 24 of 25 on real photos. The
upper of two rows is the smallest print of all, and its province mistaken more often."""
SETTLED = 0.9
"""Raw confidence from which on the looks so far are enough."""
TIGHTER, LOOSER = (-0.012, -0.025), (0.02, 0.04)
"""What the further cuts show more, or rather less, at each edge, shares of the plate's width and height."""
SURROUNDED = (0.08, 0.25)
"""The same of where a plate is looked for anew: one row of two may have been framed, or one edge missed."""
SURROUNDINGS = 0.7
"""How much of that the picture must show. A plate already cut out has no surroundings to look at."""
GLIMPSED = 0.2
"""How legible (0.0-1.0) something must be that is no number, so that it may be a part of one."""
BLIND = -8.0
"""Nats that one look can speak against a number at most: it may have missed a character, or framed half of them."""


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

    ``observe`` is told the stages "straighten" and "recognise" of each look, and "decode" of the first and of what the
    looks come to after each cut; "refine" where the corners are looked for anew.
    """
    seen = _look(recognizer, partial(recognizer.straighten, image, quad), observe)
    first = _opinion(seen, quad, observe)
    if first is None and seen.legible >= GLIMPSED and _has_surroundings(image, quad):
        quad = _looked_for_anew(recognizer, image, quad, observe)
        seen = _look(recognizer, partial(recognizer.straighten, image, quad), observe)
        first = _opinion(seen, quad, observe)
    if first is None or first.decoded.raw_confidence >= CERTAIN[seen.two_rows] or not recognizer.reads_parts:
        return first
    cuts = [(seen, _in_parts(recognizer, image, quad, seen, observe))]
    settled = _settled(first, cuts, observe)
    further = _further_cuts(recognizer, image, quad, observe)
    while settled.decoded.raw_confidence < SETTLED and (cut := next(further, None)) is not None:
        whole = _look(recognizer, partial(recognizer.straighten, image, cut), observe)
        cuts.append((whole, _in_parts(recognizer, image, cut, whole, observe)))
        settled = _settled(first, cuts, observe)
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


def settle(first: Opinion, cuts: Sequence[tuple[Recognition, Recognition]]) -> Opinion:
    """What looks at one plate come to, of each cut at the whole and in parts, the first of them that of ``first``.

    Of all numbers that any look reads, that counts which is likeliest if every look is a witness of its own. They are
    not quite that, so its confidence is no more than the mean of what the looks give it, nor than that of how legible
    the plate was in each cut. ``evidence`` is of all that read as many characters; colours and rows are the first's,
    which saw the whole plate.
    """
    looks = [look for cut in cuts for look in cut]
    told = [decoded for look in looks if (decoded := decode(look)) is not None]
    numbers = list(dict.fromkeys(one.number for one in told))
    borne_out = np.stack([np.maximum(log_likelihoods(look.steps, numbers), BLIND) for look in looks])
    best = int((borne_out.sum(axis=0) - [improbability(number) for number in numbers]).argmax())
    number = numbers[best]
    alike = [one.evidence for one in told if len(one.number) == len(number)]
    evidence: NDArray[np.float32] = np.stack(alike).mean(axis=0)
    legible = np.mean([max(whole.legible, apart.legible) for whole, apart in cuts])
    raw = min(float(np.exp(borne_out[:, best]).mean()), float(legible))
    return replace(first, decoded=Decoded(number, raw, is_valid_number(number), evidence))


def _settled(first: Opinion, cuts: Sequence[tuple[Recognition, Recognition]], observe: StageObserver | None) -> Opinion:
    with stage("decode", observe):
        return settle(first, cuts)


def _further_cuts(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None
) -> Iterator[Quad]:
    """The other cuts to look at, one after the other while they settle nothing."""
    yield grown(quad, TIGHTER)
    yield grown(quad, LOOSER)
    if _has_surroundings(image, quad):
        yield _looked_for_anew(recognizer, image, quad, observe)


def _has_surroundings(image: NDArray[np.uint8], quad: Quad) -> bool:
    """Whether ``image`` shows what lies around ``quad``."""
    corners = grown(quad, SURROUNDED).to_array()
    low, high = corners.min(axis=0), corners.max(axis=0)
    shown = np.minimum(high, (image.shape[1], image.shape[0])) - np.maximum(low, 0)
    return bool(shown.min() > 0 and shown.prod() >= SURROUNDINGS * (high - low).prod())


def _looked_for_anew(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None
) -> Quad:
    with stage("refine", observe):
        return recognizer.refine(image, grown(quad, SURROUNDED))


def _in_parts(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, seen: Recognition, observe: StageObserver | None
) -> Recognition:
    """The plate in ``quad`` in the two parts that ``seen``, a look at the whole, tells."""
    places = [partial(recognizer.straighten_part, image, quad, part) for part in parts_of(seen)]
    return seen.in_parts([_look(recognizer, place, observe) for place in places])


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
