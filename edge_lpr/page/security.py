"""Security of the page. Checks in this order: rate, client address, session; for changes also origin and CSRF token.

Browsers send the session's cookie only with the page's own requests (``SameSite=Strict``), and scripts cannot read it.
Without a token in the settings only this device is served, by a host name that no name server can direct here. With a
token any host name is accepted: a page that makes its own name resolve here (DNS rebinding) has no cookie for that
name, and its guesses at the token are limited like all others.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_lpr.errors import EdgeLprError
from edge_lpr.page.login_sessions import LoginSession, LoginSessions
from edge_lpr.web.clients import Address, keyless_refusal, parse_address
from edge_lpr.web.rate_limit import AddressLimit

COOKIE = "edge-lpr-page"
CSRF_HEADER = "x-csrf-token"

REQUESTS_PER_SECOND = 60
"""Per client address. Five viewers behind one proxy need less."""

LOGINS_PER_MINUTE = 5
"""Failed logins per client address."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


_log = logging.getLogger(__name__)


class Refusal(EdgeLprError):
    """An error answer: its HTTP status, and a code for which the page has a text.

    ``after_s`` are the seconds after which a retry makes sense, if any.
    """

    def __init__(self, status: int, code: str, message: str, after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.after_s = after_s

    def response(self) -> JSONResponse:
        """Returns the answer."""
        headers = None if self.after_s is None else {"Retry-After": str(self.after_s)}
        return JSONResponse({"Error": {"Code": self.code, "Message": str(self)}}, self.status, headers)


class SecurityHeaders:
    """ASGI middleware: limits the requests of an address, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, rate: AddressLimit) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, unless it exceeds the rate."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if self._rate.admits(_address(Request(scope)), time.monotonic()):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = Refusal(429, "TooMany", f"more than {REQUESTS_PER_SECOND} requests a second; wait a moment", 1)
            await refusal.response()(scope, receive, send_with_headers)


@dataclass(frozen=True)
class AccessControl:
    """Sessions and their checks. ``over_tls``: cookies are sent over encrypted connections only."""

    sessions: LoginSessions
    failures: AddressLimit
    over_tls: bool

    def check_client(self, request: Request) -> None:
        """Raises Refusal for a client on another device while no token is set."""
        refusal = keyless_refusal(_address(request), request.headers)
        if refusal is not None and not self.sessions.asks_for_token:
            reason = "without page.token only a browser on this device, at a loopback address, is served"
            raise Refusal(403, "Forbidden", reason)

    def session(self, request: Request) -> LoginSession | None:
        """Returns the session of a request; None without a login. Raises Refusal."""
        self.check_client(request)
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    def require_session(self, request: Request) -> LoginSession:
        """Returns the session of a request. Raises Refusal without a login."""
        session = self.session(request)
        if session is None:
            raise Refusal(401, "LoggedOut", "log in first")
        return session

    def check_change(self, request: Request) -> LoginSession:
        """Returns the session of a request for a change. Raises Refusal unless the page itself sent it."""
        session = self.require_session(request)
        check_origin(request.headers)
        if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()):
            raise Refusal(403, "Forbidden", "the CSRF token is missing or not this session's; load the page again")
        return session

    def log_in(self, request: Request, token: str) -> LoginSession:
        """Opens a session for the right token. Raises Refusal."""
        self.check_client(request)
        check_origin(request.headers)
        address = _address(request)
        if self.failures.is_reached(address, time.monotonic()):
            raise Refusal(429, "TooManyLogins", "too many wrong tokens; try again in a minute", 60)
        session = self.sessions.open(token)
        if session is None:
            self.failures.admits(address, time.monotonic())
            _log.warning("page: a wrong token from %s", address)
            raise Refusal(401, "WrongToken", "this is not the token; it stands in the settings as page.token")
        self.failures.mark_known(address)
        return session


def check_origin(headers: Mapping[str, str]) -> None:
    """Raises Refusal unless the request comes from a page of this host.

    All browsers send Origin with requests that change something.
    """
    origin = headers.get("origin", "")
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        place = ""
    if not place or place.lower() != headers.get("host", "").lower():
        raise Refusal(403, "Forbidden", "the request came from another site, or does not say where from")


def _address(request: Request) -> Address | None:
    return parse_address("" if request.client is None else request.client.host)
