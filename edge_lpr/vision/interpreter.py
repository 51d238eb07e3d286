"""Runs ``.tflite`` models with one of two runtimes: ``ai-edge-litert`` or ``tflite-runtime``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_lpr.errors import ModelError
from edge_lpr.vision.model_file import ModelFile

RUNTIMES = ("tflite_runtime.interpreter", "ai_edge_litert.interpreter")
"""The first that is installed is used. ``ai-edge-litert`` is a dependency of the package, so an installed
``tflite-runtime`` was chosen on purpose."""

SIGNATURE = "serving_default"


def runtime_name() -> str:
    """Returns the import name of the runtime in use. Raises ModelError when none is installed."""
    name: str = _runtime().__name__
    return name.partition(".")[0]


class Interpreter:
    """One loaded model. Threads may share it: only one run is active at a time."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Prepares ``model`` to run on ``threads`` threads (default: one for each core, at most four).

        Raises ModelError when the file is not a model, or its shapes and types differ from its sidecar.
        """
        self._model = model
        self._lock = threading.Lock()
        try:
            # The runtime publishes no types.
            self._interpreter: Any = _runtime().Interpreter(
                model_content=model.content, num_threads=threads or min(4, os.cpu_count() or 1)
            )
            with _native_log_muted():
                self._interpreter.allocate_tensors()
            self._runner: Any = self._interpreter.get_signature_runner(SIGNATURE)
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{model.path}: the runtime cannot load it ({reason}); restore both files") from error
        self._input_name = self._check_input()
        self._quantization = {name: self._check_output(name) for name in model.sidecar.outputs}

    def run(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Runs the model on ``image``, uint8 of shape (height, width, 3), RGB.

        Returns the outputs by their names in the sidecar: dequantized float32 arrays, with the batch axis. Raises
        ValueError for an image of another type or shape.
        """
        spec = self._model.sidecar.input
        if image.dtype != np.uint8 or image.shape != spec.shape[1:]:
            raise ValueError(f"input must be uint8 of shape {spec.shape[1:]}, not {image.dtype} of {image.shape}")
        # Flipping the top bit of a byte and viewing it as signed subtracts 128, the zero point of the input.
        quantized = (image ^ np.uint8(0x80)).view(np.int8)[np.newaxis]
        with self._lock:
            raw: dict[str, NDArray[np.int8]] = self._runner(**{self._input_name: quantized})
        outputs = {}
        for name, (scale, zero_point) in self._quantization.items():
            values = raw[self._model.sidecar.outputs[name].tensor]
            outputs[name] = np.subtract(values, np.float32(zero_point), dtype=np.float32)
            outputs[name] *= np.float32(scale)
        return outputs

    def _check_input(self) -> str:
        details = self._runner.get_input_details()
        if len(details) != 1:
            raise self._mismatch(f"{len(details)} inputs", "1 input")
        name, detail = next(iter(details.items()))
        self._check_tensor("input", detail, self._model.sidecar.input.shape)
        scale, zero_point = detail["quantization"]
        spec = self._model.sidecar.input
        if zero_point != spec.zero_point or abs(scale - spec.scale) > 1e-6:
            raise self._mismatch(f"input scale {scale}, zero point {zero_point}", f"{spec.scale}, {spec.zero_point}")
        return str(name)

    def _check_output(self, name: str) -> tuple[float, int]:
        """Checks the type and shape of an output, and returns its scale and zero point."""
        spec = self._model.sidecar.outputs[name]
        detail = self._runner.get_output_details().get(spec.tensor)
        if detail is None:
            raise self._mismatch(f"no output tensor {spec.tensor}", f"one for {name}")
        self._check_tensor(f"output {name}", detail, spec.shape)
        scale, zero_point = detail["quantization"]
        return float(scale), int(zero_point)

    def _check_tensor(self, what: str, detail: dict[str, Any], shape: tuple[int, ...]) -> None:
        found_shape, found_type = [int(size) for size in detail["shape"]], np.dtype(detail["dtype"]).name
        if found_shape != list(shape) or found_type != "int8":
            raise self._mismatch(f"{what} of {found_type} {found_shape}", f"int8 {list(shape)}")

    def _mismatch(self, found: str, expected: str) -> ModelError:
        return ModelError(
            f"{self._model.path}: has {found}, but its sidecar says {expected}; restore both files of the model"
        )


@contextmanager
def _native_log_muted() -> Iterator[None]:
    """Suppresses the runtime's log line "INFO: Created ... delegate" on stderr.

    The C++ code writes it to file descriptor 2, and no option turns it off. Errors are raised as exceptions.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _runtime() -> Any:
    for name in RUNTIMES:
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            return importlib.import_module(name)
    raise ModelError("no TFLite runtime is installed: pip install ai-edge-litert")
