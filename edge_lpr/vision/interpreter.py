"""The one seam over the two runtimes that run ``.tflite`` files: ``ai-edge-litert`` and ``tflite-runtime``."""

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
"""The first that is installed is used. ``ai-edge-litert`` comes with the package, so who has ``tflite-runtime`` as well
asked for it."""

SIGNATURE = "serving_default"


def runtime_name() -> str:
    """The import name of the runtime in use. Raises ModelError when none is installed."""
    name: str = _runtime().__name__
    return name.partition(".")[0]


class Interpreter:
    """One loaded model. Safe to share between threads: runs take turns."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Prepare ``model`` to run on ``threads`` threads (default: one for each core, at most four).

        Raises ModelError when the file is no model, or is not of the shapes and types that its sidecar gives.
        """
        self._model = model
        self._lock = threading.Lock()
        try:
            # the runtime's objects have no published types
            self._interpreter: Any = _runtime().Interpreter(
                model_content=model.content, num_threads=threads or min(4, os.cpu_count() or 1)
            )
            with _native_log_muted():
                self._interpreter.allocate_tensors()
            self._runner: Any = self._interpreter.get_signature_runner(SIGNATURE)
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{model.path}: the runtime cannot load it ({reason}); put back both files") from error
        self._input_name = self._check_input()
        self._quantization = {name: self._check_output(name) for name in model.sidecar.outputs}

    def run(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run on ``image``, uint8 of shape (height, width, 3), RGB.

        Returns the outputs by their names in the sidecar, as float32 in the model's units, batch axis kept.
        """
        spec = self._model.sidecar.input
        if image.dtype != np.uint8 or image.shape != spec.shape[1:]:
            raise ValueError(f"input must be uint8 of shape {spec.shape[1:]}, not {image.dtype} of {image.shape}")
        # flipping the top bit of a byte and calling it signed subtracts 128: the input's zero point
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
        """The scale and zero point of an output, once its type and shape are found to be right."""
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

    def _mismatch(self, found: str, wanted: str) -> ModelError:
        return ModelError(
            f"{self._model.path}: has {found} where its sidecar says {wanted}; put back both files of the model"
        )


@contextmanager
def _native_log_muted() -> Iterator[None]:
    """Keep the runtime's "INFO: Created ... delegate" off the user's stderr.

    It is written by C++ to file descriptor 2, without a switch to turn it off; faults come as exceptions.
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
