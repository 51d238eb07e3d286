"""A small MQTT 3.1.1 broker inside the process, for the demo. It needs no installation and listens on loopback only.

It is not for a gate, because it stores nothing on disk. Clients must use ``protocol: "3.1.1"``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.errors import AMQTTError

from edge_lpr.errors import BrokerError

HOST = "127.0.0.1"
_LISTENER = "default"
_START_TIMEOUT_S = 10.0
_CONFIG: dict[str, Any] = {
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


class EmbeddedBroker:
    """A broker in its own thread. A context manager; ``port`` is set on entry."""

    def __init__(self) -> None:
        self.port = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt-broker", daemon=True)

    def start(self) -> None:
        """Listens on a free loopback port. Raises BrokerError."""
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise BrokerError("the embedded MQTT broker did not start in time; try again, or use another broker")
        if self._error is not None:
            raise BrokerError(f"the embedded MQTT broker cannot start: {self._error}") from self._error

    def stop(self) -> None:
        """Disconnects the clients and stops."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_START_TIMEOUT_S)

    def __enter__(self) -> EmbeddedBroker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (AMQTTError, OSError) as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        broker = Broker(_CONFIG)
        await broker.start()

        # With this server the system chooses the port. The broker's own listeners need a fixed port.
        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)

        server = await asyncio.start_server(serve_client, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await broker.shutdown()
