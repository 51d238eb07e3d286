"""Several clients that send valid and invalid requests to a gate at the same time, over HTTP and MQTT."""

from __future__ import annotations

import base64
import itertools
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho

from tests.faults.gate_process import BASE, photos

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
CLIENTS = 4
PAUSE_S = 0.1
"""Seconds between two requests of one client."""
CAPTURES = 3
"""Number of requests for pictures over MQTT; each answer has about 100 KB."""


class RequestLoad:
    """Sends requests until ``stop``, which raises AssertionError if an answer was not allowed."""

    def __init__(self, url: str, broker: paho.Client) -> None:
        self._url = url
        self._broker = broker
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS, "request-load")
        self._clients: list[Future[None]] = []

    def start(self) -> None:
        """Starts the clients; returns at once."""
        for _ in range(CAPTURES):
            self._broker.publish(f"{BASE}/request/capture", b'{"WithImage": true}', qos=1)
        self._clients = [self._pool.submit(self._send_requests, start) for start in range(CLIENTS)]

    def stop(self) -> None:
        """Stops the clients and waits for the last answers."""
        self._ended.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def _send_requests(self, start: int) -> None:
        kinds: tuple[Callable[[httpx.Client], None], ...] = (
            _send_photo,
            _send_garbage,
            self._send_half,
            _get_pages,
        )
        with httpx.Client(base_url=self._url, timeout=60) as client:
            for send in itertools.islice(itertools.cycle(kinds), start, None):
                send(client)
                if self._ended.wait(PAUSE_S):
                    return

    def _send_half(self, _client: httpx.Client) -> None:
        """Starts a request and disconnects."""
        address = urlsplit(self._url)
        with suppress(ConnectionError), socket.create_connection((address.hostname, address.port or 80), 10) as link:
            link.sendall(b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 100000\r\n\r\n{")


def _send_photo(client: httpx.Client) -> None:
    photo = base64.b64encode(next(iter(photos().values()))).decode()
    answer = client.post("/", json={"ImageBase64": photo}, headers=HEADERS).json()["Response"]
    assert "Number" in answer or answer["Error"]["Code"] == "RequestLimitExceeded", answer


def _send_garbage(client: httpx.Client) -> None:
    answer = client.post("/", content=b"\xff" * 5000, headers=HEADERS).json()["Response"]
    assert "Error" in answer, answer


def _get_pages(client: httpx.Client) -> None:
    for path in ("/healthz", "/metrics", "/openapi.json"):
        assert client.get(path).status_code in (200, 503), path
