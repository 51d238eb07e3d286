"""A number-plate reader for parking gates.

The command ``edge-lpr`` runs it as a service: one camera in, one MQTT message for each vehicle out. As a library::

    from edge_lpr import PlateReader, load_image

    for reading in PlateReader.open().read(load_image("photo.jpg")):
        print(reading.number, reading.confidence)
"""

import importlib
import logging
from typing import TYPE_CHECKING

__all__ = ["PlateReader", "PlateReading", "__version__", "load_image"]

__version__ = "0.1.0"

# The application decides where the log goes. Without this handler, Python prints warnings to stderr.
logging.getLogger(__name__).addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from edge_lpr.images import load_image
    from edge_lpr.readings import PlateReading
    from edge_lpr.vision.reader import PlateReader
else:
    _MODULES = {
        "PlateReader": "edge_lpr.vision.reader",
        "PlateReading": "edge_lpr.readings",
        "load_image": "edge_lpr.images",
    }

    def __getattr__(name: str) -> object:
        """Imports a public name at its first use, so that ``edge-lpr --help`` does not load OpenCV and the runtime."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), name)
