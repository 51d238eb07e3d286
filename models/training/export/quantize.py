"""From a network to an int8 ``.tflite``: conversion with litert-torch, quantisation with ai-edge-quantizer.

Weights are int8 per channel; activations, inputs and outputs are int8 per tensor. The input range is fixed at 0.0-1.0,
so that an int8 value is the picture's uint8 value minus 128.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import calibrator, qtyping, quantizer
from ai_edge_quantizer.utils import qsv_utils
from torch import nn

from models.training.arrays import Image

SIGNATURE = "serving_default"


def to_float_tflite(network: nn.Module, height: int, width: int, outputs: int, path: Path) -> None:
    """Writes the float model, channels last: input (1, height, width, 3), ``outputs`` output tensors."""
    channels_last = litert_torch.to_channel_last_io(network.eval(), args=[0], outputs=list(range(outputs)))
    sample = (torch.zeros(1, height, width, 3),)
    litert_torch.convert(channels_last, sample).export(str(path))


def to_int8_tflite(
    float_path: Path, samples: Iterable[Image], path: Path, floors: Mapping[str, float] | None = None
) -> None:
    """Quantises ``float_path`` to ``path``.

    ``samples`` are uint8 RGB pictures of the model's input size, (height, width, 3), as the device will see them. They
    must include hard cases, since the extremes of every activation set its range. The ranges are the true minima and
    maxima: the calibrator's default, a moving average, cut off the scores.

    ``floors`` names outputs whose values below the given one need not be distinguished: logits of impossible classes
    would take up half of the 256 steps.
    """
    recipe = quantizer.Quantizer(str(float_path))
    for operation in (
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.TFLOperationName.INPUT,
        qtyping.TFLOperationName.OUTPUT,
    ):
        recipe.add_static_config(".*", operation, activation_num_bits=8, weight_num_bits=8)
    calibration = calibrator.Calibrator(str(float_path), num_threads=2, qsv_update_func=qsv_utils.min_max_update)
    name = _input_name(float_path)
    inputs = [{name: sample[None].astype(np.float32) / 255} for sample in samples]
    calibration.calibrate({SIGNATURE: inputs}, recipe._recipe_manager)
    ranges = calibration.get_model_qsvs()
    for tensor in _input_tensors(float_path):
        ranges[tensor] = {"min": np.array([[[[0.0]]]], np.float32), "max": np.array([[[[1.0]]]], np.float32)}
    for output, floor in (floors or {}).items():
        (tensor,) = (name for name in ranges if name.endswith(f"{output}_output"))
        ranges[tensor]["min"] = np.maximum(ranges[tensor]["min"], np.float32(floor))
    recipe.quantize(ranges).export_model(str(path), overwrite=True)


def _interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=str(path))


def _input_name(path: Path) -> str:
    return str(_interpreter(path).get_signature_list()[SIGNATURE]["inputs"][0])


def _input_tensors(path: Path) -> list[str]:
    return [detail["name"] for detail in _interpreter(path).get_input_details()]
