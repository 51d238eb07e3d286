"""Put in front of a subprocess's path: names cannot be looked up while the file that EDGE_TEST_NO_DNS names exists."""

import os
import socket
from typing import Any

_look_up = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    """As the system's, or its error."""
    if host == "localhost" and os.path.exists(os.environ.get("EDGE_TEST_NO_DNS", "")):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _look_up(host, *arguments, **options)


socket.getaddrinfo = getaddrinfo
