"""Login sessions of the page. They are kept in memory only: a restart ends them all."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge_lpr.config import PageSettings
from edge_lpr.config.page import as_token
from edge_lpr.errors import ConfigError
from edge_lpr.host.secret_file import read_secret, warn_if_world_readable

LASTS_S = 12 * 3600.0
"""Seconds from a login to its end."""

MAX_SESSIONS = 32
"""A further login ends the oldest session."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One login. ``key`` is the cookie; ``csrf`` is the token that every change must carry."""

    key: str = field(repr=False)
    csrf: str = field(repr=False)
    ends_s: float


class LoginSessions:
    """All sessions. For one thread. Without a ``token`` every client gets a session."""

    def __init__(self, token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = None if token is None else _digest(token)
        self._clock = clock
        self._sessions: dict[bytes, LoginSession] = {}

    @property
    def asks_for_token(self) -> bool:
        """Whether a login needs the token."""
        return self._token is not None

    def open(self, token: str = "") -> LoginSession | None:
        """Returns a new session for the right token, else None, in constant time."""
        if self._token is not None and not hmac.compare_digest(_digest(token), self._token):
            return None
        self._forget()
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = LoginSession(secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock() + LASTS_S)
        # Stored by digest, so that the time of a search reveals nothing about the keys.
        self._sessions[_digest(session.key)] = session
        return session

    def find(self, key: str) -> LoginSession | None:
        """Returns the session of a cookie; None if it has ended."""
        self._forget()
        return self._sessions.get(_digest(key))

    def close(self, session: LoginSession) -> None:
        """Ends a session; its cookie becomes invalid."""
        self._sessions.pop(_digest(session.key), None)

    def _forget(self) -> None:
        now_s = self._clock()
        self._sessions = {name: session for name, session in self._sessions.items() if session.ends_s > now_s}


def load_token(settings: PageSettings) -> str | None:
    """Returns the token from the settings or from their token file; None without one.

    Raises ConfigError, which never shows the token.
    """
    path = settings.token_file
    if path is None:
        return settings.token
    try:
        warn_if_world_readable(path)
        return as_token(read_secret(path))
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}; put the page's token there") from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "is not UTF-8 text; save the token as plain text") from error
    except ValueError as error:
        raise _unusable(path, f"holds no token; give {error}") from error


def _unusable(path: Path, why: str) -> ConfigError:
    return ConfigError(f"page.token_file: {path}: {why}")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
