"""What stands before every request to the page, in this order: headers of every answer, rate, host, session, and for
whatever changes something: origin and CSRF token.

A session's cookie is sent by the page's own requests alone (``SameSite=Strict``) and seen by no script. Without a token
in the settings only programs and browsers on the device itself are served, under a name that no name server can make
lead here. With a token any name will do: a page that makes a name of its own lead here (DNS rebinding) has no cookie
for it, and guesses at the token as slowly as everybody.
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
from edge_lpr.web.clients import Address, keyless_refusal, parse_address, rate_slot
from edge_lpr.web.rate_limit import RateLimit

COOKIE = "edge-lpr-page"
CSRF_HEADER = "x-csrf-token"

REQUESTS_PER_SECOND = 60
"""Of one address: five viewers behind one proxy ask less than that."""

LOGINS_PER_MINUTE = 5
"""Failed ones of one address."""

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
    """An answer that is an error: its HTTP status, and a code that the page has words for. ``after_s``: when to try
    again, in seconds, where that helps."""

    def __init__(self, status: int, code: str, message: str, after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.after_s = after_s

    def response(self) -> JSONResponse:
        """The answer."""
        headers = None if self.after_s is None else {"Retry-After": str(self.after_s)}
        return JSONResponse({"Error": {"Code": self.code, "Message": str(self)}}, self.status, headers)


class SecurityHeaders:
    """ASGI middleware: counts each request of an address, and puts the headers on every answer, errors too."""

    def __init__(self, app: ASGIApp, rate: RateLimit) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, unless it is one too many."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if self._rate.admits(_slot(Request(scope)), time.monotonic()):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = Refusal(429, "TooMany", f"more than {REQUESTS_PER_SECOND} requests a second; wait a moment", 1)
            await refusal.response()(scope, receive, send_with_headers)


@dataclass(frozen=True)
class AccessControl:
    """``over_tls``: cookies are for encrypted connections alone."""

    sessions: LoginSessions
    failures: RateLimit
    over_tls: bool

    def check_place(self, request: Request) -> None:
        """Without a token: raises Refusal unless this device itself asks."""
        refusal = keyless_refusal(_address(request), request.headers)
        if refusal is not None and not self.sessions.asks_for_token:
            reason = "without page.token only a browser on this device, at a loopback address, is served"
            raise Refusal(403, "Forbidden", reason)

    def session(self, request: Request) -> LoginSession | None:
        """Who asks; None for who is not logged in. Raises Refusal."""
        self.check_place(request)
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    def needed_session(self, request: Request) -> LoginSession:
        """The same, and Refusal for who is not logged in."""
        session = self.session(request)
        if session is None:
            raise Refusal(401, "LoggedOut", "log in first")
        return session

    def check_change(self, request: Request) -> LoginSession:
        """Whose change this is. Raises Refusal unless the page itself asks for it."""
        session = self.needed_session(request)
        check_origin(request.headers)
        if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()):
            raise Refusal(403, "Forbidden", "the CSRF token is missing or not this session's; load the page again")
        return session

    def log_in(self, request: Request, token: str) -> LoginSession:
        """A session for the right token. Raises Refusal."""
        self.check_place(request)
        check_origin(request.headers)
        slot = _slot(request)
        if self.failures.is_reached(slot, time.monotonic()):
            raise Refusal(429, "TooManyLogins", "too many wrong tokens; try again in a minute", 60)
        session = self.sessions.open(token)
        if session is None:
            self.failures.admits(slot, time.monotonic())
            _log.warning("page: a wrong token from %s", _address(request))
            raise Refusal(401, "WrongToken", "this is not the token; it stands in the settings as page.token")
        return session


def check_origin(headers: Mapping[str, str]) -> None:
    """Raises Refusal for a request that no page of this very host made, as far as browsers tell: all of them do, where
    something is to be changed."""
    origin = headers.get("origin", "")
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        place = ""
    if not place or place.lower() != headers.get("host", "").lower():
        raise Refusal(403, "Forbidden", "the request came from another site, or does not say where from")


def _slot(request: Request) -> str:
    return rate_slot(_address(request))


def _address(request: Request) -> Address | None:
    return parse_address("" if request.client is None else request.client.host)
