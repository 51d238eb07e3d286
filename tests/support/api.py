"""The API on a free loopback port with the shipped models, clients for it, and a server for its downloads."""

from __future__ import annotations

import asyncio
import base64
import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ocr.v20181119.ocr_client import OcrClient

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import create_routes
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.request_metrics import RequestMetrics
from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ApiSettings, DeviceSettings, Settings
from edge_lpr.link.messages import GateUpdate
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.readings import PlateReading, ReadPlates
from edge_lpr.server.metrics import Metrics
from edge_lpr.server.status_routes import create_status_routes
from edge_lpr.server.wiring import open_dispatcher, serve_http, serve_mqtt_requests
from edge_lpr.vision.reader import PlateReader
from tests.support.mqtt import DEADLINE_S, free_port

SECRET_ID, SECRET_KEY = "AKIDtest", "a-secret-key-for-tests"


@dataclass(frozen=True)
class ServedApi:
    """A running API. Its SDK clients differ from clients of the cloud in endpoint and protocol only."""

    settings: ApiSettings
    state_dir: Path

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.settings.port}"

    @property
    def url(self) -> str:
        return f"{'http' if self.settings.tls_cert_file is None else 'https'}://{self.endpoint}"

    def client(
        self,
        secret_id: str = SECRET_ID,
        secret_key: str = SECRET_KEY,
        token: str | None = None,
        *,
        ca_file: Path | None = None,
        method: str = "POST",
        **profile: Any,
    ) -> OcrClient:
        scheme = "http" if self.settings.tls_cert_file is None else "https"
        transport = HttpProfile(scheme, self.endpoint, method, certification=None if ca_file is None else str(ca_file))
        made = ClientProfile(httpProfile=transport, **profile)
        return OcrClient(Credential(secret_id, secret_key, token), "ap-guangzhou", made)


@dataclass
class FileServer:
    """The files of a web server on loopback, by path. A request for an Event is answered when the Event is set.

    ``requested`` is set at the first request.
    """

    port: int
    files: dict[str, bytes | threading.Event] = field(default_factory=dict)
    requested: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serve_api(settings: ApiSettings, device: DeviceSettings, reader: PlateReader) -> Iterator[None]:
    """Serves the API without a gate until the end of the ``with`` block."""

    def read(image: NDArray[np.uint8]) -> list[PlateReading]:
        return reader.read(image, min_plate_width=PHOTO_MIN_PLATE_WIDTH)

    with open_dispatcher(settings, device, read) as dispatcher, serve_http(settings, dispatcher, lambda: None):
        yield


@contextmanager
def requests_answered(settings: Settings, read: ReadPlates) -> Iterator[MqttConnection]:
    """Answers requests over MQTT without a gate until the end of the ``with`` block. The camera gives no picture."""
    metrics = RequestMetrics(CollectorRegistry())
    with (
        open_dispatcher(settings.api, settings.device, read) as dispatcher,
        serve_mqtt_requests(settings, dispatcher, lambda _: None, lambda _: None, metrics) as connection,
    ):
        assert connection.wait_for("connected", DEADLINE_S)
        yield connection


def create_app(dispatcher: Dispatcher, accounts: Mapping[str, Account], gate: GateUpdate | None = None) -> Starlette:
    """Returns the API and the status routes as an application without a server. ``gate`` is the state of the gate."""
    metrics = Metrics(lambda: gate)
    routes = create_routes(dispatcher, accounts, metrics.requests)
    return Starlette(routes=[*routes, *create_status_routes(metrics, lambda: gate)])


class AppClient:
    """Sends requests from the address ``peer`` to an application without a socket. Keeps cookies."""

    def __init__(self, app: Starlette, peer: str, url: str = "http://localhost") -> None:
        self._transport = httpx.ASGITransport(app=app, client=(peer, 40000))
        self._url = url
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url=self._url, cookies=self._cookies
            ) as client:
                response = await client.request(method, path, **more)
                self._cookies = client.cookies
                return response

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def create_app_client(
    state_dir: Path, peer: str = "127.0.0.1", gate: GateUpdate | None = None, **accounts: Account
) -> AppClient:
    """Returns a client of an API whose action always finds no plate."""
    dispatcher = Dispatcher(lambda _: [], QuotaBook(state_dir), requests_per_second=10, queue=1)
    return AppClient(create_app(dispatcher, accounts, gate), peer)


StartApi = Callable[..., ServedApi]


@pytest.fixture(scope="session")
def plate_base64(plate_photo: bytes) -> str:
    return base64.b64encode(plate_photo).decode()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(f"{SECRET_ID}: {SECRET_KEY}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def start_api(tmp_path: Path, reader: PlateReader, keys_file: Path) -> Iterator[StartApi]:
    """Returns a function that serves the API with the given settings.

    By default it has one key, and a rate limit that no test reaches by chance.
    """
    with ExitStack() as cleanup:

        def start(**settings: Any) -> ServedApi:
            defaults = {"port": free_port(), "keys_file": keys_file, "requests_per_second": 1000, "queue": 8}
            made = ApiSettings(enabled=True, **{**defaults, **settings})
            state_dir = tmp_path / "state"
            cleanup.enter_context(serve_api(made, DeviceSettings(state_dir=state_dir), reader))
            return ServedApi(made, state_dir)

        yield start


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, reader: PlateReader) -> Iterator[ServedApi]:
    """One API for the whole test run, for tests that change no state."""
    folder = tmp_path_factory.mktemp("api")
    keys_file = folder / "keys.yaml"
    keys_file.write_text(f"{SECRET_ID}: {SECRET_KEY}\n")
    keys_file.chmod(0o600)
    settings = ApiSettings(
        enabled=True, port=free_port(), keys_file=keys_file, requests_per_second=1000, queue=8,
        allow_networks=(IPv4Network("127.0.0.1"),),
    )  # fmt: skip
    with serve_api(settings, DeviceSettings(state_dir=folder), reader):
        yield ServedApi(settings, folder)


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A web server on loopback. It stands for a device in the gate's own network, such as a video recorder."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = served.files.get(self.path)
            served.requested.set()
            if isinstance(content, threading.Event):
                content.wait(10)
                content = b""
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = FileServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    for content in served.files.values():
        if isinstance(content, threading.Event):
            content.set()
    server.shutdown()
    thread.join()
    server.server_close()
