"""A small MQTT 3.1.1 broker inside the process, for the demo: it needs no installation and listens on loopback only.

Not for a gate: it keeps nothing on disk. Clients must be set to ``protocol: "3.1.1"``.
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
    """A context manager; ``port`` is known once it is entered. It runs in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt-broker", daemon=True)

    def start(self) -> None:
        """Listen on a free loopback port. Raises BrokerError."""
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise BrokerError("the embedded MQTT broker did not start in time; try again, or use a broker of your own")
        if self._error is not None:
            raise BrokerError(f"the embedded MQTT broker cannot start: {self._error}") from self._error

    def stop(self) -> None:
        """Disconnect the clients and end."""
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

        # Listening ourselves lets the system choose the port; the broker's own listeners want a fixed one.
        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)

        server = await asyncio.start_server(serve_client, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await broker.shutdown()
