"""Model files: a ``.tflite`` with a JSON sidecar that describes it, and the checks of both.

The sidecar is part of the contract between training and runtime. To replace a model, replace both files.
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
"""Names of the files of a model pair."""

STRIDES = (8, 16, 32)
"""Cell sizes of the detector's grids, in pixels of its input."""

_REMEDY = "restore both files of the model, the .tflite and its .json"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The input tensor: its NHWC shape, and the scale and zero point that map a byte 0-255 to the model's input."""

    shape: tuple[int, int, int, int]
    dtype: Literal["int8"]
    color_order: Literal["RGB"]
    scale: float
    zero_point: int

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.shape[1]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.shape[2]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output tensor: its name in the signature ``serving_default`` and its shape."""

    tensor: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Linear map from the logit of a raw confidence to that of a calibrated one; fitted on labelled photos."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The JSON file beside a model. The names of the fields are the keys of the file; other keys are for people.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        task: Which of the two models it is.
        sha256: SHA-256 of the ``.tflite`` file, in hexadecimal.
        input: The input tensor.
        outputs: The output tensors by name.
        thresholds: Values between 0 and 1. Detector: ``score`` (probability) and ``nms_iou``. Recognizer:
            ``plausible``, the least raw confidence of a plate.
        alphabet: Recognizer: its characters in the order of its classes.
        colors: Recognizer: its colours in the order of its classes.
        calibration: Recognizer: calibration of its confidence.
        margin: Recognizer: what the straightened picture shows beyond each edge of the plate when the number is read,
            as fractions of the plate's width and height.
        look_margin: Recognizer: the same when the corners are refined.
        reads_parts: Recognizer: whether it was trained to read the crops of ``edge_lpr.vision.crops``.
        macs: Multiply-accumulate operations of one run.
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
    """A model whose content matches its sidecar."""

    path: Path
    sidecar: Sidecar
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelPair:
    """The two models of a reader."""

    detector: ModelFile
    recognizer: ModelFile


def load_models(directory: Path | None = None) -> ModelPair:
    """Loads and checks ``detector`` and ``recognizer`` from ``directory`` (default: the shipped ones).

    Raises ModelError for the first file that is missing, damaged or not suitable for the reader.
    """
    directory = models_dir() if directory is None else directory
    return ModelPair(load_model(directory, "detector"), load_model(directory, "recognizer"))


def load_model(directory: Path, task: Task) -> ModelFile:
    """Loads ``<task>.tflite`` and ``<task>.json``, and checks the SHA-256, the shapes, the alphabet and the colours.

    Raises ModelError.
    """
    sidecar = _read_bytes(directory / f"{task}.json")
    return _checked(directory, task, _read_bytes(directory / f"{task}.tflite"), sidecar)


def check_models(files: Mapping[str, bytes], origin: Path) -> ModelPair:
    """Checks a model pair that is in memory.

    Args:
        files: Content by name, for all ``MODEL_FILES``.
        origin: Folder that error texts name.

    Raises:
        ModelError: A file is damaged or not suitable for the reader.
    """
    detector = _checked(origin, "detector", files["detector.tflite"], files["detector.json"])
    return ModelPair(detector, _checked(origin, "recognizer", files["recognizer.tflite"], files["recognizer.json"]))


def _checked(directory: Path, task: Task, content: bytes, sidecar_content: bytes) -> ModelFile:
    path, sidecar_path = directory / f"{task}.tflite", directory / f"{task}.json"
    sidecar = _parse_sidecar(sidecar_path, sidecar_content)
    if hashlib.sha256(content).hexdigest() != sidecar.sha256.lower():
        raise ModelError(
            f"{path}: its SHA-256 differs from the one in {task}.json, so it is damaged or another file; {_REMEDY}"
        )
    problem = _find_problem(sidecar, task)
    if problem:
        raise ModelError(f"{sidecar_path}: {problem}; this version cannot use the model; {_REMEDY}")
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
        raise ModelError(f"{path}: not a model sidecar, {place}: {first['msg']}; {_REMEDY}") from error


def _find_problem(sidecar: Sidecar, task: Task) -> str | None:
    """Returns how the sidecar violates the reader's contract, or None."""
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
        return "its margins are not all at least 0 and below 1"
    if not (0 < sidecar.calibration.slope < math.inf and math.isfinite(sidecar.calibration.offset)):
        return "its calibration is not a rising line"
    return _detector_problem(sidecar) if task == "detector" else _recognizer_problem(sidecar)


def _detector_problem(sidecar: Sidecar) -> str | None:
    height, width = sidecar.input.height, sidecar.input.width
    if height % STRIDES[-1] or width % STRIDES[-1]:
        return f"input height and width {height}, {width} are not multiples of {STRIDES[-1]}"
    grids = {stride: (1, height // stride, width // stride) for stride in STRIDES}
    expected = {f"score_{stride}": (*grid, 1) for stride, grid in grids.items()}
    expected |= {f"corners_{stride}": (*grid, 8) for stride, grid in grids.items()}
    return _output_problem(sidecar, expected)


def _recognizer_problem(sidecar: Sidecar) -> str | None:
    if sidecar.alphabet != ALPHABET:
        return "its alphabet is not the one of edge_lpr.plates"
    if sidecar.colors != tuple(COLORS):
        return "its colours are not those of edge_lpr.plates"
    characters = sidecar.outputs.get("characters")
    columns = characters.shape[2] if characters and len(characters.shape) == 4 else 0
    expected = {
        "characters": (1, 2, columns, 1 + len(ALPHABET)),
        "colors": (1, len(COLORS)),
        "rows": (1, 2),
        "legible": (1, 1),
        "corners": (1, 8),
    }
    return _output_problem(sidecar, expected)


def _output_problem(sidecar: Sidecar, expected: Mapping[str, tuple[int, ...]]) -> str | None:
    """Compares shapes without axes of length 1: a 1 x 1 convolution keeps such axes, a dense layer does not."""
    for name, shape in expected.items():
        output = sidecar.outputs.get(name)
        if output is None:
            return f"output {name} is missing"
        if tuple(size for size in output.shape if size > 1) != tuple(size for size in shape if size > 1):
            return f"output {name} has shape {list(output.shape)}, not {list(shape)}"
    return None
