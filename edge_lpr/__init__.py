"""A number-plate reader for a parking gate: one camera in, one MQTT message for each vehicle out."""

import logging

__version__ = "0.1.0"

# Who runs the program decides where its log goes; until then it is silent.
logging.getLogger(__name__).addHandler(logging.NullHandler())
