"""The broker's part of ``edge-lpr check``: a connection as the service would make it."""

from __future__ import annotations

from edge_lpr.check.finding import Finding, failure
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.errors import ConfigError
from edge_lpr.mqtt.connection import probe


def check_broker(settings: MqttSettings, device: DeviceSettings) -> Finding:
    """Whether the broker takes us, under a client id of its own, so that a running service is not thrown out."""
    address = f"{settings.host}:{settings.port}"
    try:
        status = probe(settings, f"{settings.client_id or f'edge-lpr-{device.id}'}-check")
    except ConfigError as error:
        return failure("broker", error)
    if status.state == "connected":
        return Finding("broker", "ok", f"{address} accepts us, MQTT {settings.protocol}")
    if status.state == "refused":
        remedy = "check mqtt.username and its password file, mqtt.protocol, and what the broker allows this user"
        return Finding("broker", "failed", f"{address} refuses us: {status.reason}", remedy)
    remedy = "check mqtt.host, mqtt.port, mqtt.tls, and that the broker runs"
    return Finding("broker", "failed", f"{address} cannot be reached: {status.reason}", remedy)
