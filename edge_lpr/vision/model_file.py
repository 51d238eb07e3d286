"""Model files: a ``.tflite`` beside a JSON sidecar that says what it is, and the checks that let both in.

The sidecar is part of the contract between training and runtime: swapping a model is swapping the two files.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from edge_lpr.errors import ModelError
from edge_lpr.plates import ALPHABET, COLORS
from edge_lpr.resources import models_dir

Task = Literal["detector", "recognizer"]

MODEL_FILES = ("detector.tflite", "detector.json", "recognizer.tflite", "recognizer.json")
"""The files of a pair."""

STRIDES = (8, 16, 32)
"""The detector's grids: one cell for each square of so many pixels of its input."""

_REMEDY = "put back both files of the model, the .tflite and its .json"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The input tensor: NHWC shape, and how a byte 0-255 becomes a number of the model."""

    shape: tuple[int, int, int, int]
    dtype: Literal["int8"]
    color_order: Literal["RGB"]
    scale: float
    zero_point: int

    @property
    def height(self) -> int:
        """Pixels."""
        return self.shape[1]

    @property
    def width(self) -> int:
        """Pixels."""
        return self.shape[2]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output: its name in the signature ``serving_default`` and its shape."""

    tensor: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The line that maps the logit of a raw confidence to that of a calibrated one; fitted on labelled photos."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the JSON beside a model says of it.

    ``thresholds``: detector ``score`` (probability, 0-1) and ``nms_iou`` (0-1); recognizer ``plausible`` (smallest
    raw confidence, 0-1, of a plate). ``margin`` and ``look_margin`` are the parts of a plate's width and height that
    the straightened picture shows beyond each edge: for reading, and for the first look, which refines the corners.
    ``reads_parts`` tells that a recognizer has learnt to read the parts of ``edge_lpr.vision.crops`` alone. ``macs`` is
    the multiply-accumulates of one run. Further keys are for people.
    """

    name: str
    version: str
    task: Task
    sha256: str
    input: InputSpec
    outputs: Mapping[str, OutputSpec]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    alphabet: str | None = None
    colors: tuple[str, ...] | None = None
    calibration: Calibration = field(default_factory=Calibration)
    margin: tuple[float, float] = (0.0, 0.0)
    look_margin: tuple[float, float] = (0.0, 0.0)
    reads_parts: bool = False
    macs: int | None = None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model whose bytes and sidecar agree."""

    path: Path
    sidecar: Sidecar
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelPair:
    """The two models of one reader."""

    detector: ModelFile
    recognizer: ModelFile


def load_models(directory: Path | None = None) -> ModelPair:
    """Load and check ``detector`` and ``recognizer`` from ``directory`` (default: the shipped ones).

    Raises ModelError for the first file that is missing, damaged or not what the reader needs.
    """
    directory = models_dir() if directory is None else directory
    return ModelPair(load_model(directory, "detector"), load_model(directory, "recognizer"))


def load_model(directory: Path, task: Task) -> ModelFile:
    """Load ``<task>.tflite`` and ``<task>.json`` and check the sum, the shapes, the alphabet and the colours."""
    sidecar = _read_bytes(directory / f"{task}.json")
    return _checked(directory, task, _read_bytes(directory / f"{task}.tflite"), sidecar)


def check_models(files: Mapping[str, bytes], origin: Path) -> ModelPair:
    """Check the contents of all ``MODEL_FILES``; errors name ``origin`` as their folder. Raises ModelError."""
    detector = _checked(origin, "detector", files["detector.tflite"], files["detector.json"])
    return ModelPair(detector, _checked(origin, "recognizer", files["recognizer.tflite"], files["recognizer.json"]))


def _checked(directory: Path, task: Task, content: bytes, sidecar_content: bytes) -> ModelFile:
    path, sidecar_path = directory / f"{task}.tflite", directory / f"{task}.json"
    sidecar = _parse_sidecar(sidecar_path, sidecar_content)
    if hashlib.sha256(content).hexdigest() != sidecar.sha256.lower():
        raise ModelError(f"{path}: its SHA-256 is not the one in {task}.json, so it is damaged or another; {_REMEDY}")
    fault = _find_fault(sidecar, task)
    if fault:
        raise ModelError(f"{sidecar_path}: {fault}; this version cannot use the model: {_REMEDY}")
    return ModelFile(path, sidecar, content)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model file; {_REMEDY}, or set reader.models_dir") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _parse_sidecar(path: Path, content: bytes) -> Sidecar:
    try:
        return TypeAdapter(Sidecar).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{path}: no model sidecar, {place}: {first['msg']}; {_REMEDY}") from error


def _find_fault(sidecar: Sidecar, task: Task) -> str | None:
    """What of the sidecar goes against the reader's contract, or None."""
    if sidecar.task != task:
        return f"it describes a {sidecar.task}, not a {task}"
    spec = sidecar.input
    if spec.shape[0] != 1 or spec.shape[3] != 3:
        return f"input shape {list(spec.shape)} is not [1, height, width, 3]"
    if spec.zero_point != -128 or abs(spec.scale - 1 / 255) > 1e-6:
        return "input scale and zero point are not 1/255 and -128"
    if not all(0 < value < 1 for value in sidecar.thresholds.values()):
        return "its thresholds are not all between 0 and 1"
    if not all(0 <= value < 1 for value in (*sidecar.margin, *sidecar.look_margin)):
        return "its margins are not all from 0 to below 1"
    if not (0 < sidecar.calibration.slope < math.inf and math.isfinite(sidecar.calibration.offset)):
        return "its calibration is no line that rises"
    return _detector_fault(sidecar) if task == "detector" else _recognizer_fault(sidecar)


def _detector_fault(sidecar: Sidecar) -> str | None:
    height, width = sidecar.input.height, sidecar.input.width
    if height % STRIDES[-1] or width % STRIDES[-1]:
        return f"input height and width {height}, {width} are not multiples of {STRIDES[-1]}"
    grids = {stride: (1, height // stride, width // stride) for stride in STRIDES}
    wanted = {f"score_{stride}": (*grid, 1) for stride, grid in grids.items()}
    wanted |= {f"corners_{stride}": (*grid, 8) for stride, grid in grids.items()}
    return _output_fault(sidecar, wanted)


def _recognizer_fault(sidecar: Sidecar) -> str | None:
    if sidecar.alphabet != ALPHABET:
        return "its alphabet is not the one of edge_lpr.plates"
    if sidecar.colors != tuple(COLORS):
        return "its colours are not those of edge_lpr.plates"
    characters = sidecar.outputs.get("characters")
    columns = characters.shape[2] if characters and len(characters.shape) == 4 else 0
    wanted = {
        "characters": (1, 2, columns, 1 + len(ALPHABET)),
        "colors": (1, len(COLORS)),
        "rows": (1, 2),
        "legible": (1, 1),
        "corners": (1, 8),
    }
    return _output_fault(sidecar, wanted)


def _output_fault(sidecar: Sidecar, wanted: Mapping[str, tuple[int, ...]]) -> str | None:
    """Axes of length 1 may be more or fewer: a 1 x 1 convolution keeps them where a dense layer does not."""
    for name, shape in wanted.items():
        output = sidecar.outputs.get(name)
        if output is None:
            return f"output {name} is missing"
        if tuple(size for size in output.shape if size > 1) != tuple(size for size in shape if size > 1):
            return f"output {name} has shape {list(output.shape)}, not {list(shape)}"
    return None
