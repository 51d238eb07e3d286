"""Pictures of number plates of every kind, drawn flat: what the recognizer and the detector are trained on."""

from models.training.synthesis.generator import PlateGenerator, RenderedPlate
from models.training.synthesis.kinds import KINDS
from models.training.synthesis.numbers import NumberSampler, NumberSettings

__all__ = ["KINDS", "NumberSampler", "NumberSettings", "PlateGenerator", "RenderedPlate"]
