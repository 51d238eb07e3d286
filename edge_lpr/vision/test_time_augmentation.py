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
from edge_lpr.vision.crops import PlateCrop, half_crops, row_crops
from edge_lpr.vision.ctc_decoding import DecodedNumber, decode, find_segments, prior_cost
from edge_lpr.vision.ctc_likelihood import log_likelihoods
from edge_lpr.vision.photometric import PhotometricTransform, equalize_lightness, identity, invert, sharpen
from edge_lpr.vision.recognizer import Recognition, Recognizer
from edge_lpr.vision.straighten import expand_quad
from edge_lpr.vision.timing import StageObserver, timed_stage

SINGLE_PASS_CONFIDENCE = (0.96, 0.99)
"""Raw confidence from which on a first look at one row, and at two, stands alone; so do 24 of 25 on real photos. The
upper of two rows is the smallest print of all, and its province mistaken more often."""
SUFFICIENT_CONFIDENCE = 0.9
"""Raw confidence from which on the looks so far are enough."""
EXTRA_PASSES: tuple[tuple[tuple[float, float], PhotometricTransform], ...] = (
    ((-0.012, -0.025), invert),
    ((0.02, 0.04), equalize_lightness),
    ((0.0, 0.0), sharpen),
)
"""What the further cuts show more, or rather less, at each edge, shares of the plate's width and height; and in which
light."""
OUTER_MARGIN, INNER_MARGIN = (0.08, 0.25), (-0.08, -0.15)
"""The same of where a plate is looked for anew: one row of two may have been framed, or an edge missed; or what stands
right beside a painted number, which has no edge, taken for a part of it."""
MIN_VISIBLE_SURROUNDINGS = 0.7
"""How much of that the picture must show. A plate already cut out has no surroundings to look at."""
MIN_LEGIBILITY = 0.2
"""How legible (0.0-1.0) something must be that is no number, so that it may be a part of one."""
MIN_CORNER_SHIFT = 0.1
"""Corners found anew so far off, in plate heights, frame something else: read afresh, the surer of the two counts."""
MIN_LOG_LIKELIHOOD = -8.0
"""Nats that one look can speak against a number at most: it may have missed a character, or framed half of them."""

Cut = tuple[Recognition, Recognition]
"""One cut around a plate, seen as a whole and in its two parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What the plate in ``quad`` was read as. ``colors`` (len(COLORS),) and ``rows`` (2,) are the recognizer's
    probabilities."""

    quad: Quad
    decoded: DecodedNumber
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]


def read_plate(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None
) -> Hypothesis | None:
    """The number of the plate in ``quad`` of ``image`` (uint8, BGR), or None when no plate is seen there.

    ``observe`` is told the stages "straighten" and "recognise" of each look, and "decode" of the first and of what the
    looks come to after each cut; "refine" where the corners are looked for anew.
    """
    return _PlatePasses(recognizer, image, observe).read(quad)


@dataclass(frozen=True, slots=True, eq=False)
class _PlatePasses:
    """One plate being read in one picture."""

    recognizer: Recognizer
    image: NDArray[np.uint8]
    observe: StageObserver | None

    def read(self, quad: Quad) -> Hypothesis | None:
        seen, first = self._first_pass(quad)
        if first is None and seen.legible < MIN_LEGIBILITY:
            return None
        cuts: list[Cut] = []
        best = self._with_extra_passes(cuts, seen, first) if first is not None else None
        framed = [quad]
        for beyond in (OUTER_MARGIN, INNER_MARGIN):
            if (best is not None and self._is_enough(best)) or not self._shows_surroundings(quad):
                break
            anew = self._refine_again(quad, beyond)
            if all(_corner_distance(anew, other) >= MIN_CORNER_SHIFT for other in framed):
                best = self._better_of(best, anew)
            elif first is not None and beyond is OUTER_MARGIN:
                best = self._add_pass(cuts, self._recognize_whole(anew), anew, first)
            framed.append(anew)
        return best

    def _better_of(self, best: Hypothesis | None, quad: Quad) -> Hypothesis | None:
        """``best`` or what is read in ``quad``, of which no more than one look is taken if that is the less sure."""
        seen, first = self._first_pass(quad)
        if first is None or (best is not None and _rank(first) <= _rank(best)):
            return best
        other = self._with_extra_passes([], seen, first)
        return other if best is None else max(best, other, key=_rank)

    def _with_extra_passes(self, cuts: list[Cut], seen: Recognition, first: Hypothesis) -> Hypothesis:
        """What is read through further cuts, as long as nothing is settled; what was seen is added to ``cuts``."""
        if self._is_certain(seen, first):
            return first
        settled = self._add_pass(cuts, seen, first.quad, first)
        for beyond, light in EXTRA_PASSES:
            if _is_sufficient(settled):
                break
            cut = expand_quad(first.quad, beyond)
            settled = self._add_pass(cuts, self._recognize_whole(cut, light), cut, first, light)
        return settled

    def _add_pass(
        self, cuts: list[Cut], whole: Recognition, quad: Quad, first: Hypothesis, light: PhotometricTransform = identity
    ) -> Hypothesis:
        """What all looks come to with one more cut, at ``quad`` in ``light``, seen as a ``whole`` already."""
        places = [partial(self.recognizer.straighten_crop, self.image, quad, part) for part in plate_crops(whole)]
        cuts.append((whole, whole.with_crop_steps([self._recognize(place, light) for place in places])))
        with timed_stage("decode", self.observe):
            return combine_passes(first, cuts)

    def _first_pass(self, quad: Quad) -> tuple[Recognition, Hypothesis | None]:
        seen = self._recognize_whole(quad)
        with timed_stage("decode", self.observe):
            decoded = decode(seen)
        return seen, None if decoded is None else Hypothesis(quad, decoded, seen.colors, seen.rows)

    def _is_certain(self, seen: Recognition, first: Hypothesis) -> bool:
        certain = first.decoded.valid and first.decoded.raw_confidence >= SINGLE_PASS_CONFIDENCE[seen.two_rows]
        return certain or not self.recognizer.reads_parts

    def _is_enough(self, best: Hypothesis) -> bool:
        return _is_sufficient(best) or not self.recognizer.reads_parts

    def _recognize_whole(self, quad: Quad, light: PhotometricTransform = identity) -> Recognition:
        return self._recognize(partial(self.recognizer.straighten, self.image, quad), light)

    def _recognize(self, straighten: Callable[[], NDArray[np.uint8]], light: PhotometricTransform) -> Recognition:
        with timed_stage("straighten", self.observe):
            plate = light(straighten())
        with timed_stage("recognise", self.observe):
            return self.recognizer.recognize(plate)

    def _refine_again(self, quad: Quad, beyond: tuple[float, float]) -> Quad:
        with timed_stage("refine", self.observe):
            return self.recognizer.refine(self.image, expand_quad(quad, beyond))

    def _shows_surroundings(self, quad: Quad) -> bool:
        """Whether the picture shows what lies around ``quad``."""
        corners = expand_quad(quad, OUTER_MARGIN).to_array()
        low, high = corners.min(axis=0), corners.max(axis=0)
        shown = np.minimum(high, self.image.shape[1::-1]) - np.maximum(low, 0)
        return bool(shown.min() > 0 and shown.prod() >= MIN_VISIBLE_SURROUNDINGS * (high - low).prod())


def _is_sufficient(hypothesis: Hypothesis) -> bool:
    return hypothesis.decoded.valid and hypothesis.decoded.raw_confidence >= SUFFICIENT_CONFIDENCE


def _rank(hypothesis: Hypothesis) -> tuple[bool, float]:
    return hypothesis.decoded.valid, hypothesis.decoded.raw_confidence


def _corner_distance(one: Quad, other: Quad) -> float:
    """How far the corners of two quads are apart in the mean, in heights of the latter."""
    return float(np.linalg.norm(one.to_array() - other.to_array(), axis=1).mean()) / other.height


def plate_crops(seen: Recognition) -> tuple[PlateCrop, PlateCrop]:
    """The parts of the plate to look at next, by where in ``seen``, a look at the whole, its characters stand."""
    columns = len(seen.steps) // 2
    shown = [segment for segment in find_segments(seen.steps) if segment.in_greedy]
    # Most characters have their middle at the end of the step that shows them: strided convolutions look to the right.
    middles = [((one.start + one.stop + 1) / 2 - one.start // columns * columns) / columns for one in shown]
    if seen.two_rows:
        return row_crops([middle for one, middle in zip(shown, middles, strict=True) if one.start < columns])
    return half_crops(sorted(middles))


def combine_passes(first: Hypothesis, cuts: Sequence[Cut]) -> Hypothesis:
    """What looks at one plate come to, of each cut at the whole and in parts, the first of them that of ``first``.

    Of all numbers that any look reads, that counts which is likeliest if every look is a witness of its own. They are
    not quite that, so its confidence is no more than the mean of what the looks give it, nor than that of how legible
    the plate was in each cut. ``character_probabilities`` is of all that read as many characters; colours and
    rows are the first's, which saw the whole plate.
    """
    looks = [look for cut in cuts for look in cut]
    told = [decoded for look in looks if (decoded := decode(look)) is not None]
    numbers = list(dict.fromkeys(one.number for one in told))
    borne_out = np.stack([np.maximum(log_likelihoods(look.steps, numbers), MIN_LOG_LIKELIHOOD) for look in looks])
    best = int((borne_out.sum(axis=0) - [prior_cost(number) for number in numbers]).argmax())
    number = numbers[best]
    alike = [one.character_probabilities for one in told if len(one.number) == len(number)]
    character_probabilities: NDArray[np.float32] = np.stack(alike).mean(axis=0)
    legible = np.mean([max(whole.legible, apart.legible) for whole, apart in cuts])
    raw = min(float(np.exp(borne_out[:, best]).mean()), float(legible))
    return replace(first, decoded=DecodedNumber(number, raw, is_valid_number(number), character_probabilities))
