"""The API of one service, put together from its settings: reader's turns, desk, metrics, HTTP face."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from edge_lpr.api.action import MAX_BYTES, LicensePlateOcr
from edge_lpr.api.desk import Desk
from edge_lpr.api.download import DownloadPolicy, fetch, trusting
from edge_lpr.api.http import create_app
from edge_lpr.api.keys import Account, load_keys
from edge_lpr.api.metrics import Gate, Metrics
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.server import ApiServer
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.sharing import Read, SharedReader


@dataclass(frozen=True, slots=True)
class Api:
    """What the rest of the service has to do with. ``reader`` is how the camera loop reads; ``desk`` is None where the
    API is switched off, ``metrics`` counts the answers of all faces."""

    reader: SharedReader
    desk: Desk | None
    metrics: Metrics


@contextmanager
def serving(settings: ApiSettings, device: DeviceSettings, reader: PlateReader, gate: Gate) -> Iterator[Api]:
    """Serve the API over HTTP, where it is switched on, until the end of the ``with`` block.

    Raises ConfigError for a keys file, a certificate or an authority that cannot be used, ListenError for an address
    that cannot be listened at.
    """
    metrics, shared = Metrics(gate), SharedReader(reader)
    if not settings.enabled:
        yield Api(shared, None, metrics)
        return
    accounts = load_accounts(settings)
    with create_desk(settings, device, shared.read_for_guest) as desk:
        app = create_app(desk, accounts, metrics, gate)
        with ApiServer(app, settings):
            yield Api(shared, desk, metrics)


def load_accounts(settings: ApiSettings) -> Mapping[str, Account]:
    """The accounts of the keys file, none without one. Raises ConfigError."""
    return {} if settings.keys_file is None else load_keys(settings.keys_file)


def create_desk(settings: ApiSettings, device: DeviceSettings, read: Read) -> Desk:
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
    return Desk(action, quotas, requests_per_second=settings.requests_per_second, queue=settings.queue)
