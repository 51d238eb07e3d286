"""The server's part of the service: API, page, status over HTTP, and requests over MQTT.

It gets a ``GateInterface`` from the gate's part and shares no other object with it. The frame loop passes its frames
and passages to ``Server.observer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from edge_lpr.api.build import create_dispatcher, load_accounts
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import create_routes
from edge_lpr.api.mqtt_requests import MqttRequests
from edge_lpr.config import ApiSettings, DeviceSettings, Settings
from edge_lpr.config.reload import ReloadRequests
from edge_lpr.messages.health import HealthMessage
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics
from edge_lpr.page.backend import Save
from edge_lpr.page.build import Page, create_page
from edge_lpr.readings import ReadPlates
from edge_lpr.service.gate_state import ReadGateState
from edge_lpr.service.metrics import Metrics
from edge_lpr.service.reload_request import ReloadRequestHandler
from edge_lpr.service.status_routes import create_status_routes
from edge_lpr.vision.latest_frame import LatestFrame
from edge_lpr.web.server import WebServer


@dataclass(frozen=True, slots=True)
class GateInterface:
    """Everything that the server's part gets from the gate's part. All of it may be used from any thread.

    ``read_for_request`` reads a photo in the camera's pauses. ``health`` returns the payload of the topic ``health``,
    None before the first iteration of the frame loop.
    """

    read_for_request: ReadPlates
    state: ReadGateState
    health: Callable[[], HealthMessage | None]
    reloads: ReloadRequests
    latest_frame: LatestFrame
    connection: MqttConnection
    topics: Topics


@dataclass(frozen=True, slots=True)
class Server:
    """The running server's part. ``observer`` is None where the page is switched off."""

    observer: Page | None

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from now on."""
        if self.observer is not None:
            self.observer.apply_settings(settings)


@contextmanager
def open_server(settings: Settings, gate: GateInterface, save: Save | None) -> Iterator[Server]:
    """Serves what the settings switch on, until the end of the ``with`` block. ``save`` writes the page's changes.

    Enter it before the MQTT connection starts: it subscribes to the request topics. Raises ConfigError for a keys
    file, token file, certificate or authority that cannot be used, ListenError for an address that cannot be used.
    """
    page = create_page(settings, gate.health, gate.reloads, save) if settings.page.enabled else None
    with ExitStack() as stack:
        http = stack.enter_context(serve_http(settings.api, settings.device, gate.read_for_request, gate.state, page))
        images = settings.privacy.images
        requests = http.metrics.requests
        MqttRequests(gate.connection, gate.topics, http.dispatcher, gate.latest_frame, requests, images=images)
        ReloadRequestHandler(gate.connection, gate.topics, gate.reloads)
        yield Server(page)


@dataclass(frozen=True, slots=True)
class HttpService:
    """What is served over HTTP. ``dispatcher`` is None where the API is switched off; ``metrics`` has all entrances."""

    dispatcher: Dispatcher | None
    metrics: Metrics


@contextmanager
def serve_http(
    settings: ApiSettings, device: DeviceSettings, read: ReadPlates, state: ReadGateState, page: Page | None = None
) -> Iterator[HttpService]:
    """Serves the API, where it is switched on, and ``page``, if any, until the end of the ``with`` block.

    ``read`` reads a requested picture. Raises ConfigError for a keys file, a certificate or an authority that cannot
    be used, ListenError for an address that cannot be used.
    """
    metrics = Metrics(state)
    routes: list[BaseRoute] = [] if page is None else [*page.routes]
    dispatcher: Dispatcher | None = None
    with ExitStack() as stack:
        if settings.enabled:
            accounts = load_accounts(settings)
            dispatcher = stack.enter_context(create_dispatcher(settings, device, read))
            routes += create_routes(dispatcher, accounts, metrics.requests)
            routes += create_status_routes(metrics, state)
        if routes:
            stack.enter_context(WebServer(Starlette(routes=routes), settings))
        if page is not None:
            stack.callback(page.close)
        yield HttpService(dispatcher, metrics)
