"""From a quad to a number: straighten, recognise, decode; and further looks where the first is not certain.

The second look is at the same plate in two parts, each filling the picture. What is really written there is read the
same again; what was guessed often is not. While that settles nothing, whole and parts are looked at again in slightly
other cuts and in another light. Every number that any of these looks reads is then held against all of them, and that
which they bear out best together counts. What is still not settled, or shows characters but no number, may have been
framed wrongly: its corners are looked for anew, from farther out and from farther in. Where they turn out to lie
elsewhere, what they frame is read afresh, and the surer reading counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.plates import is_valid_number
from edge_lpr.vision.crops import Part, end_parts, row_parts
from edge_lpr.vision.ctc_decoding import Decoded, decode, find_segments, improbability
from edge_lpr.vision.ctc_likelihood import log_likelihoods
from edge_lpr.vision.photometric import Light, as_is, equalised, inverted, sharpened
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.straighten import grown
from edge_lpr.vision.timing import StageObserver, stage

CERTAIN = (0.96, 0.99)
"""Raw confidence from which on a first look at one row, and at two, stands alone; so do 24 of 25 on real photos. The
upper of two rows is the smallest print of all, and its province mistaken more often."""
SETTLED = 0.9
"""Raw confidence from which on the looks so far are enough."""
FURTHER_CUTS: tuple[tuple[tuple[float, float], Light], ...] = (
    ((-0.012, -0.025), inverted),
    ((0.02, 0.04), equalised),
    ((0.0, 0.0), sharpened),
)
"""What the further cuts show more, or rather less, at each edge, shares of the plate's width and height; and in which
light."""
SURROUNDED, WITHIN = (0.08, 0.25), (-0.08, -0.15)
"""The same of where a plate is looked for anew: one row of two may have been framed, or an edge missed; or what stands
right beside a painted number, which has no edge, taken for a part of it."""
SURROUNDINGS = 0.7
"""How much of that the picture must show. A plate already cut out has no surroundings to look at."""
GLIMPSED = 0.2
"""How legible (0.0-1.0) something must be that is no number, so that it may be a part of one."""
MOVED = 0.1
"""Corners found anew so far off, in plate heights, frame something else: read afresh, the surer of the two counts."""
BLIND = -8.0
"""Nats that one look can speak against a number at most: it may have missed a character, or framed half of them."""

Cut = tuple[Recognition, Recognition]
"""One cut around a plate, seen as a whole and in its two parts."""


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
    return _Reading(recognizer, image, observe).read(quad)


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One plate being read in one picture."""

    recognizer: Recognizer
    image: NDArray[np.uint8]
    observe: StageObserver | None

    def read(self, quad: Quad) -> Opinion | None:
        seen, first = self._first(quad)
        if first is None and seen.legible < GLIMPSED:
            return None
        cuts: list[Cut] = []
        best = self._through(cuts, seen, first) if first is not None else None
        framed = [quad]
        for beyond in (SURROUNDED, WITHIN):
            if (best is not None and self._is_enough(best)) or not self._shows_around(quad):
                break
            anew = self._looked_for_anew(quad, beyond)
            if all(_apart(anew, other) >= MOVED for other in framed):
                best = self._surer(best, anew)
            elif first is not None and beyond is SURROUNDED:
                best = self._settle(cuts, self._whole(anew), anew, first)
            framed.append(anew)
        return best

    def _surer(self, best: Opinion | None, quad: Quad) -> Opinion | None:
        """``best`` or what is read in ``quad``, of which no more than one look is taken if that is the less sure."""
        seen, first = self._first(quad)
        if first is None or (best is not None and _sureness(first) <= _sureness(best)):
            return best
        other = self._through([], seen, first)
        return other if best is None else max(best, other, key=_sureness)

    def _through(self, cuts: list[Cut], seen: Recognition, first: Opinion) -> Opinion:
        """What is read through further cuts, as long as nothing is settled; what was seen is added to ``cuts``."""
        if self._is_certain(seen, first):
            return first
        settled = self._settle(cuts, seen, first.quad, first)
        for beyond, light in FURTHER_CUTS:
            if _is_settled(settled):
                break
            cut = grown(first.quad, beyond)
            settled = self._settle(cuts, self._whole(cut, light), cut, first, light)
        return settled

    def _settle(self, cuts: list[Cut], whole: Recognition, quad: Quad, first: Opinion, light: Light = as_is) -> Opinion:
        """What all looks come to with one more cut, at ``quad`` in ``light``, seen as a ``whole`` already."""
        places = [partial(self.recognizer.straighten_part, self.image, quad, part) for part in parts_of(whole)]
        cuts.append((whole, whole.in_parts([self._look(place, light) for place in places])))
        with stage("decode", self.observe):
            return settle(first, cuts)

    def _first(self, quad: Quad) -> tuple[Recognition, Opinion | None]:
        seen = self._whole(quad)
        with stage("decode", self.observe):
            decoded = decode(seen)
        return seen, None if decoded is None else Opinion(quad, decoded, seen.colors, seen.rows)

    def _is_certain(self, seen: Recognition, first: Opinion) -> bool:
        certain = first.decoded.valid and first.decoded.raw_confidence >= CERTAIN[seen.two_rows]
        return certain or not self.recognizer.reads_parts

    def _is_enough(self, best: Opinion) -> bool:
        return _is_settled(best) or not self.recognizer.reads_parts

    def _whole(self, quad: Quad, light: Light = as_is) -> Recognition:
        return self._look(partial(self.recognizer.straighten, self.image, quad), light)

    def _look(self, straighten: Callable[[], NDArray[np.uint8]], light: Light) -> Recognition:
        with stage("straighten", self.observe):
            plate = light(straighten())
        with stage("recognise", self.observe):
            return self.recognizer.recognize(plate)

    def _looked_for_anew(self, quad: Quad, beyond: tuple[float, float]) -> Quad:
        with stage("refine", self.observe):
            return self.recognizer.refine(self.image, grown(quad, beyond))

    def _shows_around(self, quad: Quad) -> bool:
        """Whether the picture shows what lies around ``quad``."""
        corners = grown(quad, SURROUNDED).to_array()
        low, high = corners.min(axis=0), corners.max(axis=0)
        shown = np.minimum(high, self.image.shape[1::-1]) - np.maximum(low, 0)
        return bool(shown.min() > 0 and shown.prod() >= SURROUNDINGS * (high - low).prod())


def _is_settled(opinion: Opinion) -> bool:
    return opinion.decoded.valid and opinion.decoded.raw_confidence >= SETTLED


def _sureness(opinion: Opinion) -> tuple[bool, float]:
    return opinion.decoded.valid, opinion.decoded.raw_confidence


def _apart(one: Quad, other: Quad) -> float:
    """How far the corners of two quads are apart in the mean, in heights of the latter."""
    return float(np.linalg.norm(one.to_array() - other.to_array(), axis=1).mean()) / other.height


def parts_of(seen: Recognition) -> tuple[Part, Part]:
    """The parts of the plate to look at next, by where in ``seen``, a look at the whole, its characters stand."""
    columns = len(seen.steps) // 2
    shown = [segment for segment in find_segments(seen.steps) if segment.shown]
    # Most characters have their middle at the end of the step that shows them: strided convolutions look to the right.
    middles = [((one.start + one.stop + 1) / 2 - one.start // columns * columns) / columns for one in shown]
    if seen.two_rows:
        return row_parts([middle for one, middle in zip(shown, middles, strict=True) if one.start < columns])
    return end_parts(sorted(middles))


def settle(first: Opinion, cuts: Sequence[Cut]) -> Opinion:
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
