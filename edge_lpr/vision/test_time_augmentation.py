"""Reads the plate inside a quad, with test-time augmentation if the first pass is not certain.

The first pass straightens, recognises and decodes the plate as a whole. If the result is not certain, the plate is
recognised again in two crops, each of which fills the model's input. A correct number is usually read the same again;
a guess is usually not. While the result is not sure enough, further passes follow, each with slightly other margins
and another photometric transform. Each number that any recognition reads is then rated by all of them, and the one
with the highest joint likelihood wins.

If that is still not sure enough, or the first pass shows characters but no number, the quad may be wrong. Its corners
are refined again, from a larger and from a smaller quad. Where they end up elsewhere, the new quad is read from the
start, and the reading with the higher confidence wins.

A box that a caller gives, or the edge of a cropped picture, may be upright around a tilted plate. If its first pass is
not certain, the corners are refined inside it before anything else, and the better of the two readings wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

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

Margin = tuple[float, float]
"""Distance by which each edge of a quad moves outwards, as fractions of the plate's width and height."""

SINGLE_PASS_CONFIDENCE = (0.96, 0.99)
"""Raw confidence, for one row and for two, from which the first pass alone decides. In real photos, 24 of 25 plates
reach it. The bound for two rows is higher because the small province of the upper row is misread more often."""
SUFFICIENT_CONFIDENCE = 0.9
"""Raw confidence from which no further pass is made."""
EXTRA_PASSES: tuple[tuple[Margin, PhotometricTransform], ...] = (
    ((-0.012, -0.025), invert),
    ((0.02, 0.04), equalize_lightness),
    ((0.0, 0.0), sharpen),
)
"""Margin and photometric transform of each further pass."""
OUTER_MARGIN, INNER_MARGIN = (0.08, 0.25), (-0.08, -0.15)
"""Margins of the larger and the smaller quad from which the corners are refined again. The larger one helps if only one
of two rows was framed, or an edge was missed. The smaller one helps if something beside a painted number, which has no
edge, was framed with it."""
MIN_VISIBLE_SURROUNDINGS = 0.7
"""Least fraction of the larger quad that must lie in the image. The surroundings of a cropped plate are not visible."""
MIN_LEGIBILITY = 0.2
"""Least legibility (0.0-1.0) at which a plate without a decoded number is processed further; it may be part of one."""
MIN_CORNER_SHIFT = 0.1
"""Mean shift of the corners, in plate heights, from which a refined quad counts as a different one."""
MIN_LOG_LIKELIHOOD = -8.0
"""Lower bound, in nats, of the log-likelihood of a number in one recognition. A single recognition may have missed a
character or cut off half of the plate, and must not rule a number out."""


class PlatePass(NamedTuple):
    """One pass over the plate: the recognition of the whole plate, and that of its two crops joined."""

    whole: Recognition
    crops: Recognition


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A number for the plate in ``quad``.

    ``colors`` (len(COLORS),) and ``rows`` (2,) are the recognizer's probabilities.
    """

    quad: Quad
    decoded: DecodedNumber
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]


def read_plate(
    recognizer: Recognizer, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None
) -> Hypothesis | None:
    """Reads the plate in ``quad`` of ``image`` (uint8, BGR). Returns None if there is no plate.

    ``observe`` receives the stages "straighten" and "recognise" of each recognition, "decode" after the first
    recognition and after each pass, and "refine" when the corners are refined again.
    """
    return _PlateInImage(recognizer, image, observe).read(quad)


def read_boxed_plate(
    recognizer: Recognizer, image: NDArray[np.uint8], box: Quad, observe: StageObserver | None = None
) -> Hypothesis | None:
    """Reads the plate that ``box`` of ``image`` (uint8, BGR) encloses, along the plate's edges or upright around it.

    ``observe`` as for ``read_plate``. Returns None if there is no plate.
    """
    return _PlateInImage(recognizer, image, observe).read_in_box(box)


@dataclass(frozen=True, slots=True, eq=False)
class _PlateInImage:
    """Reads one plate of one image."""

    recognizer: Recognizer
    image: NDArray[np.uint8]
    observe: StageObserver | None

    def read(self, quad: Quad) -> Hypothesis | None:
        return self._read_on(quad, *self._first_pass(quad))

    def read_in_box(self, box: Quad) -> Hypothesis | None:
        whole, first = self._first_pass(box)
        if first is not None and _is_certain(whole, first):
            return first
        # The edges of a tilted plate are nearer to the smaller quad than to the corners of the box.
        refined = self._refine_from(box, INNER_MARGIN)
        inside = self._better_of(None, refined) if _corner_shift(refined, box) >= MIN_CORNER_SHIFT else None
        if inside is not None and _is_sufficient(inside) and (first is None or _rank(inside) > _rank(first)):
            return inside
        # ``first`` does not compete: a single pass is surer of a wrong number than several passes are.
        whole_box = self._read_on(box, whole, first)
        return max((one for one in (inside, whole_box) if one is not None), key=_rank, default=None)

    def _read_on(self, quad: Quad, whole: Recognition, first: Hypothesis | None) -> Hypothesis | None:
        """Reads the plate in ``quad``, of which ``whole`` and ``first`` are the first pass."""
        if first is None and whole.legible < MIN_LEGIBILITY:
            return None
        passes: list[PlatePass] = []
        best = self._with_extra_passes(passes, whole, first) if first is not None else None
        tried = [quad]
        for margin in (OUTER_MARGIN, INNER_MARGIN):
            if (best is not None and self._needs_no_refinement(best)) or not self._surroundings_are_visible(quad):
                break
            refined = self._refine_from(quad, margin)
            if all(_corner_shift(refined, other) >= MIN_CORNER_SHIFT for other in tried):
                best = self._better_of(best, refined)
            elif first is not None and margin is OUTER_MARGIN:
                best = self._add_pass(passes, self._recognize_whole(refined), refined, first)
            tried.append(refined)
        return best

    def _better_of(self, best: Hypothesis | None, quad: Quad) -> Hypothesis | None:
        """Returns the better of ``best`` and the hypothesis for ``quad``.

        Further passes over ``quad`` are skipped if its first pass is less sure than ``best``.
        """
        whole, first = self._first_pass(quad)
        if first is None or (best is not None and _rank(first) <= _rank(best)):
            return best
        other = self._with_extra_passes([], whole, first)
        return other if best is None else max(best, other, key=_rank)

    def _with_extra_passes(self, passes: list[PlatePass], whole: Recognition, first: Hypothesis) -> Hypothesis:
        """Makes passes until the result is sufficient, and appends them to ``passes``."""
        if self._first_pass_decides(whole, first):
            return first
        combined = self._add_pass(passes, whole, first.quad, first)
        for margin, transform in EXTRA_PASSES:
            if _is_sufficient(combined):
                break
            quad = expand_quad(first.quad, margin)
            combined = self._add_pass(passes, self._recognize_whole(quad, transform), quad, first, transform)
        return combined

    def _add_pass(
        self,
        passes: list[PlatePass],
        whole: Recognition,
        quad: Quad,
        first: Hypothesis,
        transform: PhotometricTransform = identity,
    ) -> Hypothesis:
        """Recognises the crops of ``quad``, appends the pass to ``passes`` and combines all passes.

        ``whole`` is the recognition of ``quad`` with ``transform``.
        """
        crops = [
            self._recognize(partial(self.recognizer.straighten_crop, self.image, quad, crop), transform)
            for crop in plate_crops(whole)
        ]
        passes.append(PlatePass(whole, whole.with_crop_steps(crops)))
        with timed_stage("decode", self.observe):
            return combine_passes(first, passes)

    def _first_pass(self, quad: Quad) -> tuple[Recognition, Hypothesis | None]:
        whole = self._recognize_whole(quad)
        with timed_stage("decode", self.observe):
            decoded = decode(whole)
        return whole, None if decoded is None else Hypothesis(quad, decoded, whole.colors, whole.rows)

    def _first_pass_decides(self, whole: Recognition, first: Hypothesis) -> bool:
        return _is_certain(whole, first) or not self.recognizer.reads_crops

    def _needs_no_refinement(self, best: Hypothesis) -> bool:
        return _is_sufficient(best) or not self.recognizer.reads_crops

    def _recognize_whole(self, quad: Quad, transform: PhotometricTransform = identity) -> Recognition:
        return self._recognize(partial(self.recognizer.straighten, self.image, quad), transform)

    def _recognize(self, straighten: Callable[[], NDArray[np.uint8]], transform: PhotometricTransform) -> Recognition:
        with timed_stage("straighten", self.observe):
            plate = transform(straighten())
        with timed_stage("recognise", self.observe):
            return self.recognizer.recognize(plate)

    def _refine_from(self, quad: Quad, margin: Margin) -> Quad:
        with timed_stage("refine", self.observe):
            return self.recognizer.refine(self.image, expand_quad(quad, margin))

    def _surroundings_are_visible(self, quad: Quad) -> bool:
        corners = expand_quad(quad, OUTER_MARGIN).to_array()
        low, high = corners.min(axis=0), corners.max(axis=0)
        visible = np.minimum(high, self.image.shape[1::-1]) - np.maximum(low, 0)
        return bool(visible.min() > 0 and visible.prod() >= MIN_VISIBLE_SURROUNDINGS * (high - low).prod())


def _is_certain(whole: Recognition, first: Hypothesis) -> bool:
    return first.decoded.valid and first.decoded.raw_confidence >= SINGLE_PASS_CONFIDENCE[whole.two_rows]


def _is_sufficient(hypothesis: Hypothesis) -> bool:
    return hypothesis.decoded.valid and hypothesis.decoded.raw_confidence >= SUFFICIENT_CONFIDENCE


def _rank(hypothesis: Hypothesis) -> tuple[bool, float]:
    return hypothesis.decoded.valid, hypothesis.decoded.raw_confidence


def _corner_shift(refined: Quad, other: Quad) -> float:
    """Returns the mean distance of the corners of two quads, in heights of ``other``."""
    return float(np.linalg.norm(refined.to_array() - other.to_array(), axis=1).mean()) / other.height


def plate_crops(whole: Recognition) -> tuple[PlateCrop, PlateCrop]:
    """Returns the crops for the next recognition, from the positions of the characters in ``whole``."""
    columns = len(whole.steps) // 2
    segments = [segment for segment in find_segments(whole.steps) if segment.in_greedy]
    # The centre of most characters is at the end of their step, because strided convolutions look to the right.
    centers = [((one.start + one.stop + 1) / 2 - one.start // columns * columns) / columns for one in segments]
    if whole.two_rows:
        return row_crops([center for one, center in zip(segments, centers, strict=True) if one.start < columns])
    return half_crops(sorted(centers))


def combine_passes(first: Hypothesis, passes: Sequence[PlatePass]) -> Hypothesis:
    """Combines all passes over one plate to one hypothesis.

    Each number that any recognition reads is rated by the sum of its log-likelihoods in all recognitions, minus its
    prior cost. The sum treats the recognitions as independent, which they are not quite. So the raw confidence is
    limited to the mean likelihood of the number, and to the mean legibility of the passes.

    Args:
        first: The hypothesis of the first pass over the whole plate. It gives the quad, the colours and the rows.
        passes: All passes; the first one belongs to ``first``.

    Returns:
        A hypothesis whose ``character_probabilities`` are the mean of all recognitions that read as many characters.
    """
    recognitions = [recognition for one in passes for recognition in one]
    decoded = [one for recognition in recognitions if (one := decode(recognition)) is not None]
    numbers = list(dict.fromkeys(one.number for one in decoded))
    log_ratings = np.stack([log_likelihoods(recognition.steps, numbers) for recognition in recognitions])
    log_ratings = np.maximum(log_ratings, MIN_LOG_LIKELIHOOD)  # (recognitions, numbers)
    best = int((log_ratings.sum(axis=0) - [prior_cost(number) for number in numbers]).argmax())
    number = numbers[best]
    same_length = [one.character_probabilities for one in decoded if len(one.number) == len(number)]
    probabilities: NDArray[np.float32] = np.stack(same_length).mean(axis=0)
    legible = np.mean([max(one.whole.legible, one.crops.legible) for one in passes])
    raw = min(float(np.exp(log_ratings[:, best]).mean()), float(legible))
    return replace(first, decoded=DecodedNumber(number, raw, is_valid_number(number), probabilities))
