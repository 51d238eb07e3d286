"""The composition root of the server's process: makes its objects from the settings and connects them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from socket import socket

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from edge_lpr.api.build import create_dispatcher, load_accounts
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import create_routes
from edge_lpr.api.license_plate_ocr import MAX_BYTES
from edge_lpr.api.mqtt_requests import MqttRequests, NewestScene
from edge_lpr.api.request_metrics import RequestMetrics
from edge_lpr.config import ApiSettings, DeviceSettings, Settings
from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.images import API_FORMATS
from edge_lpr.link.server_end import ServerEnd
from edge_lpr.messages.health import HealthMessage
from edge_lpr.mqtt.answers import Answers
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics
from edge_lpr.page.build import Page, create_page
from edge_lpr.readings import ReadPlates
from edge_lpr.server.decoding import Decoders
from edge_lpr.server.metrics import Metrics, ReadUpdate
from edge_lpr.server.photo_reader import PhotoReader
from edge_lpr.server.reload_request import ReloadRequestHandler, RequestReload
from edge_lpr.server.status_routes import create_status_routes
from edge_lpr.web.server import WebServer

MQTT_STOP_S = 0.5


@contextmanager
def open_dispatcher(settings: ApiSettings, device: DeviceSettings, read: ReadPlates) -> Iterator[Dispatcher]:
    """Yields the dispatcher that HTTP and MQTT share. ``read`` reads a requested picture.

    Raises ConfigError for a ``download_ca_file`` that cannot be used.
    """
    max_pixels = settings.max_megapixels * 1_000_000
    with (
        Decoders(max_pixels=max_pixels, max_bytes=MAX_BYTES, formats=API_FORMATS) as decoders,
        create_dispatcher(settings, device, read, decoders.decode) as dispatcher,
    ):
        yield dispatcher


@contextmanager
def serve_http(
    settings: ApiSettings,
    dispatcher: Dispatcher | None,
    read_update: ReadUpdate,
    page: Page | None = None,
    listener: socket | None = None,
    on_tick: Callable[[], None] | None = None,
) -> Iterator[Metrics]:
    """Serves the API by ``dispatcher``, if any, and ``page``, if any, until the end of the ``with`` block.

    Yields the metrics, which count the requests of all entrances. ``listener`` is a listening socket; by default one is
    opened. ``on_tick`` is called about once a second by the event loop. Raises ConfigError for a keys file or a
    certificate that cannot be used, ListenError for an address that cannot be used.
    """
    metrics = Metrics(read_update)
    routes: list[BaseRoute] = [] if page is None else [*page.routes]
    if dispatcher is not None:
        routes += create_routes(dispatcher, load_accounts(settings), metrics.requests)
        routes += create_status_routes(metrics, read_update)
    with ExitStack() as stack:
        stack.enter_context(WebServer(Starlette(routes=routes), settings, listener=listener, on_tick=on_tick))
        if page is not None:
            stack.callback(page.close)
        yield metrics


@contextmanager
def open_server(end: ServerEnd, listener: socket, on_end: Callable[[], None]) -> Iterator[None]:
    """Serves what the settings switch on, until the end of the ``with`` block.

    ``on_end`` is called when the gate has closed its end of the link. Raises EdgeLprError for files that cannot be used
    any more; the gate checked them when it started.
    """
    settings = end.start.settings
    page = _create_page(end) if settings.page.enabled else None
    end.begin(on_end)
    with ExitStack() as stack:
        if not settings.api.enabled:
            stack.enter_context(serve_http(settings.api, None, end.update, page, listener, end.send_alive))
        else:
            photos = stack.enter_context(PhotoReader(settings))

            def tick() -> None:
                end.send_alive()
                photos.follow_choice()

            dispatcher = stack.enter_context(open_dispatcher(settings.api, settings.device, photos.read))
            metrics = stack.enter_context(serve_http(settings.api, dispatcher, end.update, page, listener, tick))
            requests = metrics.requests
            stack.enter_context(
                serve_mqtt_requests(settings, dispatcher, end.newest_scene, end.request_reload, requests)
            )
        yield


@contextmanager
def serve_mqtt_requests(
    settings: Settings,
    dispatcher: Dispatcher,
    newest_scene: NewestScene,
    request_reload: RequestReload,
    metrics: RequestMetrics,
) -> Iterator[MqttConnection]:
    """Answers requests over MQTT until the end of the ``with`` block. Yields the connection, which carries only these.

    ``newest_scene`` gives what the camera sees, ``request_reload`` has the settings loaded again.
    """
    topics = Topics(settings.mqtt.topic_prefix, settings.device.id)
    connection = MqttConnection(settings.mqtt, topics, for_requests=True)
    answers = Answers(connection, topics, settings.api.response_topics)
    MqttRequests(answers, dispatcher, newest_scene, metrics, images=settings.privacy.images)
    ReloadRequestHandler(answers, request_reload)
    connection.start()
    try:
        yield connection
    finally:
        connection.stop(MQTT_STOP_S)


def _create_page(end: ServerEnd) -> Page:
    settings, config = end.start.settings, end.start.config
    save = None if config is None else SettingsFile(config, os.environ).save_lanes

    def health() -> HealthMessage | None:
        update = end.update()
        return None if update is None else update.health

    page = create_page(settings, health, end, end.request_reload, save)
    end.on_passage = page.recent.record_passage
    end.on_settings = page.apply_settings
    return page
