"""h11's parser with a bound on work that h11 does not have."""

from __future__ import annotations

from typing import Any

import h11

_FREE_PIECES = 1024
_MIN_PIECE = 256
"""Average bytes of a body's pieces after the first ``_FREE_PIECES``."""


class HttpParser(h11.Connection):
    """Refuses a body in many tiny pieces: a chunk of one byte costs as much work as a large one."""

    _pieces = 0
    _bytes = 0

    def next_event(self) -> Any:
        """Returns the next event. Raises RemoteProtocolError for what is not HTTP, and for too many small pieces."""
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces > _FREE_PIECES + self._bytes // _MIN_PIECE:
                raise h11.RemoteProtocolError("the body comes in too many small pieces")
        elif isinstance(event, h11.Request | h11.Response):
            self._pieces = self._bytes = 0
        return event
