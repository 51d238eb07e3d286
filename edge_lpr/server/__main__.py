"""The server's process: ``python -m edge_lpr.server LINK LISTENER``, started by the gate.

Both are descriptors: of this process's end of the link to the gate, and of the listening socket.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection

from edge_lpr.errors import EdgeLprError
from edge_lpr.host.logs import set_up_logging
from edge_lpr.link.server_end import ServerEnd
from edge_lpr.server.limits import limit_memory, lower_priority, offer_to_out_of_memory_killer
from edge_lpr.server.wiring import open_server

BASE_MEGABYTES = 450
"""Memory of the server without pictures: libraries, models, and the bodies of requests."""

BYTES_PER_PIXEL = 24
"""Memory of a picture, at least what the decoder needs: its limit cannot be above this one."""

END_S = 2.0
"""Seconds for an orderly end once the gate is gone."""

_log = logging.getLogger("edge_lpr.server")


def main(arguments: list[str]) -> int:
    """Serves until SIGTERM, or until the gate ends. Returns the exit code."""
    link, listener = map(int, arguments)
    # A handler may interrupt any line of the main thread, so it takes no lock.
    wake_reader, wake_writer = os.pipe()
    signal.signal(signal.SIGTERM, lambda _number, _frame: _wake(wake_writer))
    try:
        end = ServerEnd(Connection(link))
    except EOFError:
        return 0  # the gate has ended
    settings = end.start.settings
    set_up_logging(settings.log.level, "server: ")
    lower_priority()
    offer_to_out_of_memory_killer()
    limit_memory(BASE_MEGABYTES + settings.api.max_megapixels * BYTES_PER_PIXEL)
    try:
        with open_server(end, socket.socket(fileno=listener), lambda: _end_without_gate(wake_writer)):
            os.read(wake_reader, 1)
    except EdgeLprError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0


def _wake(writer: int) -> None:
    os.write(writer, b".")


def _end_without_gate(writer: int) -> None:
    # Without the gate this process must not stay, whatever its other threads do.
    threading.Timer(END_S, os._exit, (0,)).start()
    _wake(writer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
