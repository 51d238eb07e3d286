"""The routes of the page below ``/page``."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from edge_lpr.errors import ConfigError, EvidenceError
from edge_lpr.evidence import picture_access
from edge_lpr.messages.encoding import JsonObject, encode
from edge_lpr.page.backend import PageBackend
from edge_lpr.page.live_view import LiveView, TooManyViewers
from edge_lpr.page.login_sessions import LASTS_S, LoginSession, LoginSessions
from edge_lpr.page.security import (
    COOKIE,
    LOGINS_PER_MINUTE,
    REQUESTS_PER_SECOND,
    AccessControl,
    Refusal,
    SecurityHeaders,
)
from edge_lpr.page.static_files import html, language_of, static_files
from edge_lpr.web.rate_limit import AddressLimit

PATH = "/page"
MAX_BODY = 64 * 1024
BODY_S = 10.0
MAX_VIEWER = 32
"""The most characters of the name that a viewer's browser chooses."""

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class PageRoutes:
    """The handlers of all routes."""

    access: AccessControl
    backend: PageBackend
    live_view: LiveView

    def routes(self) -> list[BaseRoute]:
        """Returns the routes."""
        inner = [
            _route("/", self.page),
            _route("/static/{name}", self.static),
            _route("/login", self.log_in, "POST"),
            _route("/logout", self.log_out, "POST"),
            _route("/live", self.next_picture),
            _route("/status", self.status),
            _route("/passages", self.passages),
            _route("/lane", self.save_lane, "POST"),
            _route("/evidence/{day}/{file}", self.picture),
            _route("/evidence/{day}/{file}", self.delete_pictures, "DELETE"),
            _route("/{rest:path}", self.nothing),
        ]
        # A separate application: its answers to wrong methods and internal errors must carry the headers too.
        app = SecurityHeaders(Starlette(routes=inner), AddressLimit(REQUESTS_PER_SECOND))
        return [Route(PATH, lambda _: RedirectResponse(f"{PATH}/", 308)), Mount(PATH, app)]

    async def page(self, request: Request) -> Response:
        """Answers with the page, or with the login form."""
        session = self.access.session(request)
        language = language_of(request.headers.get("accept-language", ""))
        is_new = session is None and not self.access.sessions.asks_for_token
        if is_new:
            session = self.access.sessions.open()
        if session is None:
            return Response(html("login", language=language), 401, media_type="text/html")
        kind = "token" if self.access.sessions.asks_for_token else "open"
        content = html("page", language=language, csrf=session.csrf, kind=kind)
        response = Response(content, media_type="text/html")
        if is_new:
            self._give_cookie(response, session)
        return response

    async def static(self, request: Request) -> Response:
        """Answers with scripts, styles and the icon. They hold no data of the gate, and the login form needs some."""
        self.access.check_client(request)
        file = static_files().get(request.path_params["name"])
        if file is None:
            return await self.nothing(request)
        return Response(file.content, media_type=file.media_type)

    async def log_in(self, request: Request) -> Response:
        """Opens a session for the token."""
        token = (await _json_body(request)).get("Token")
        session = self.access.log_in(request, token if isinstance(token, str) else "")
        response = Response(status_code=204)
        self._give_cookie(response, session)
        return response

    async def log_out(self, request: Request) -> Response:
        """Ends the session."""
        self.access.sessions.close(self.access.check_change(request))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, f"{PATH}/", secure=self.access.over_tls, httponly=True, samesite="strict")
        return response

    async def next_picture(self, request: Request) -> Response:
        """Answers with the next picture and its readings; 204 if there is none in time."""
        self.access.require_session(request)
        viewer = request.query_params.get("viewer", "")[:MAX_VIEWER]
        number = request.query_params.get("after", "")
        after = int(number) if number.isascii() and number.isdecimal() and len(number) < MAX_VIEWER else 0
        try:
            picture = await self.live_view.after(after, viewer, request.is_disconnected)
        except TooManyViewers as error:
            raise Refusal(503, "TooManyViewers", str(error)) from error
        if picture is None:
            return Response(status_code=204)
        return Response(picture.content, media_type="application/octet-stream")

    async def status(self, request: Request) -> Response:
        """Answers with the health and the settings that the page shows."""
        self.access.require_session(request)
        return _json(await asyncio.to_thread(self.backend.status))

    async def passages(self, request: Request) -> Response:
        """Answers with the last passages."""
        self.access.require_session(request)
        try:
            return _json({"Passages": await asyncio.to_thread(self.backend.recent.listed)})
        except EvidenceError as error:
            raise Refusal(500, "Disk", str(error)) from error

    async def save_lane(self, request: Request) -> Response:
        """Saves lane, ignored areas and line, and applies them."""
        self.access.check_change(request)
        wanted = await _json_body(request)
        try:
            return _json(await self.backend.save_lane(wanted))
        except ConfigError as error:
            raise Refusal(422, "BadSettings", "; ".join(error.faults) or str(error)) from error

    async def picture(self, request: Request) -> Response:
        """Answers with one kept picture."""
        self.access.require_session(request)
        name = _name(request)
        try:
            content = await asyncio.to_thread(picture_access.read_picture, self.backend.folder, name)
        except FileNotFoundError:
            return await self.nothing(request)
        except EvidenceError as error:
            raise Refusal(500, "Disk", str(error)) from error
        return Response(content, media_type="image/jpeg")

    async def delete_pictures(self, request: Request) -> Response:
        """Deletes all pictures of a passage."""
        self.access.check_change(request)
        name = _name(request)
        try:
            return _json(
                {
                    "Deleted": await asyncio.to_thread(
                        picture_access.delete_passage_pictures,
                        self.backend.folder,
                        name,
                    )
                }
            )
        except EvidenceError as error:
            raise Refusal(500, "Disk", str(error)) from error

    async def nothing(self, request: Request) -> Response:
        """Answers 404."""
        self.access.check_client(request)
        raise Refusal(404, "NotFound", "there is nothing here")

    def _give_cookie(self, response: Response, session: LoginSession) -> None:
        response.set_cookie(
            COOKIE, session.key, int(LASTS_S), path=f"{PATH}/", secure=self.access.over_tls, httponly=True,
            samesite="strict",
        )  # fmt: skip


def create_page_routes(token: str | None, backend: PageBackend, live: LiveView, *, over_tls: bool) -> list[BaseRoute]:
    """Returns the page's routes, with nobody logged in yet."""
    failures = AddressLimit(LOGINS_PER_MINUTE, 60.0)
    return PageRoutes(AccessControl(LoginSessions(token), failures, over_tls), backend, live).routes()


def _route(path: str, answer: Answer, *methods: str) -> Route:
    @functools.wraps(answer)
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Refusal as refusal:
            return refusal.response()
        except ClientDisconnect:
            return Response(status_code=400)  # the client is gone

    return Route(path, answered, methods=list(methods or ("GET",)))


def _name(request: Request) -> picture_access.PictureName:
    try:
        return picture_access.PictureName(request.path_params["day"], request.path_params["file"])
    except ValueError as error:
        raise Refusal(404, "NotFound", "there is nothing here") from error


async def _json_body(request: Request) -> JsonObject:
    """Reads a JSON object. Raises Refusal for a body that is too long, too slow or no JSON object."""
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BODY:
                    raise Refusal(413, "TooLarge", f"more than {MAX_BODY} bytes")
        body = json.loads(content)
    except TimeoutError as error:
        raise Refusal(408, "Late", f"the body did not arrive within {BODY_S:.0f} s") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "BadRequest", "the body must be a JSON object") from error
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "the body must be a JSON object")
    return body


def _json(content: JsonObject) -> Response:
    return Response(encode(content), media_type="application/json")
