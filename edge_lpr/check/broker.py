"""Check of the broker: a connection as the service makes it."""

from __future__ import annotations

from edge_lpr.check.finding import Finding, failure
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.errors import ConfigError
from edge_lpr.mqtt.connection import probe


def check_broker(settings: MqttSettings, device: DeviceSettings) -> Finding:
    """Returns whether the broker accepts the gate.

    The check uses another client id than the service, so that a running service is not disconnected.
    """
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
