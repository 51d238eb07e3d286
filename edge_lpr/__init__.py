"""A number-plate reader for a parking gate: one camera in, one MQTT message for each vehicle out."""

__version__ = "0.1.0"
