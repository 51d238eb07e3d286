"""Disables name resolution in a subprocess while the file in EDGE_TEST_NO_DNS exists.

This folder must be first on the path of the subprocess.
"""

import os
import socket
from typing import Any

_system_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    """Calls the function of the system, or raises its error."""
    if host == "localhost" and os.path.exists(os.environ.get("EDGE_TEST_NO_DNS", "")):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _system_getaddrinfo(host, *arguments, **options)


socket.getaddrinfo = getaddrinfo
