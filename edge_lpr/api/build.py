"""The API of one service, put together from its settings: reader's turns, desk, metrics, HTTP face."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import create_routes
from edge_lpr.api.image_download import DownloadPolicy, fetch, trusting
from edge_lpr.api.keys import Account, load_keys
from edge_lpr.api.license_plate_ocr import MAX_BYTES, LicensePlateOcr
from edge_lpr.api.quota import QuotaBook
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.geometry import Quad
from edge_lpr.readings import ReadPlates
from edge_lpr.service.metrics import Gate, Metrics
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.reader_priority import SharedReader
from edge_lpr.web.server import WebServer


@dataclass(frozen=True, slots=True)
class Api:
    """What the rest of the service has to do with. ``reader`` is how the camera loop reads; ``desk`` is None where the
    API is switched off, ``metrics`` counts the answers of all faces."""

    reader: SharedReader
    desk: Dispatcher | None
    metrics: Metrics


class Guest(Protocol):
    """What else is served at the API's address: the page."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses."""

    def passed_over(self, quads: list[Quad]) -> None:
        """Told of the plates in each of the camera's frames that are too narrow to be read."""

    def close(self) -> None:
        """The server is about to stop: let nobody wait."""


@contextmanager
def serving(
    settings: ApiSettings, device: DeviceSettings, reader: PlateReader, gate: Gate, guest: Guest | None = None
) -> Iterator[Api]:
    """Serve the API over HTTP, where it is switched on, and ``guest``, if any, until the end of the ``with`` block.

    Raises ConfigError for a keys file, a certificate or an authority that cannot be used, ListenError for an address
    that cannot be listened at.
    """
    metrics = Metrics(gate)
    shared = SharedReader(reader, None if guest is None else guest.passed_over)
    routes: list[BaseRoute] = [] if guest is None else [*guest.routes]
    desk: Dispatcher | None = None
    with ExitStack() as cleanup:
        if settings.enabled:
            accounts = load_accounts(settings)
            desk = cleanup.enter_context(create_dispatcher(settings, device, shared.read_for_request))
            routes += create_routes(desk, accounts, metrics, gate)
        if routes:
            cleanup.enter_context(WebServer(Starlette(routes=routes), settings))
        if guest is not None:
            cleanup.callback(guest.close)
        yield Api(shared, desk, metrics)


def load_accounts(settings: ApiSettings) -> Mapping[str, Account]:
    """The accounts of the keys file, none without one. Raises ConfigError."""
    return {} if settings.keys_file is None else load_keys(settings.keys_file)


def create_dispatcher(settings: ApiSettings, device: DeviceSettings, read: ReadPlates) -> Dispatcher:
    """The desk that all faces share; ``read`` is how guests read. Not started.

    Raises ConfigError for an authority of recorders that cannot be used.
    """
    trusting(settings.download_ca_file)  # or the first request by https would be the one to find out
    policy = DownloadPolicy(
        allowed_hosts=frozenset(settings.allow_hosts),
        allowed_networks=settings.allow_networks,
        max_bytes=MAX_BYTES,
        ca_file=settings.download_ca_file,
    )
    action = LicensePlateOcr(
        read,
        functools.partial(fetch, policy=policy),
        max_pixels=settings.max_megapixels * 1_000_000,
        is_open=settings.license_plate_ocr,
    )
    quotas = QuotaBook(device.state_dir)
    return Dispatcher(action, quotas, requests_per_second=settings.requests_per_second, queue=settings.queue)
