"""The API made from its settings: accounts of the keys file, and the dispatcher."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.image_download import DownloadPolicy, fetch, trusting
from edge_lpr.api.keys import Account, load_keys
from edge_lpr.api.license_plate_ocr import MAX_BYTES, Decode, LicensePlateOcr, decode_here
from edge_lpr.api.quota import QuotaBook
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.readings import ReadPlates


def load_accounts(settings: ApiSettings) -> Mapping[str, Account]:
    """Returns the accounts of the keys file by SecretId; none without a file. Raises ConfigError."""
    return {} if settings.keys_file is None else load_keys(settings.keys_file)


def create_dispatcher(
    settings: ApiSettings, device: DeviceSettings, read: ReadPlates, decode: Decode = decode_here
) -> Dispatcher:
    """Returns the dispatcher that HTTP and MQTT share, not started.

    ``decode`` decodes a requested picture, ``read`` reads it.

    Raises ConfigError for a ``download_ca_file`` that cannot be used.
    """
    trusting(settings.download_ca_file)  # checked here, not at the first download over https
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
        decode=decode,
    )
    quotas = QuotaBook(device.state_dir)
    return Dispatcher(action, quotas, requests_per_second=settings.requests_per_second, queue=settings.queue)
