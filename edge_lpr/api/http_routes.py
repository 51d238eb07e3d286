"""The HTTP face: ``/`` is the API's endpoint; ``/healthz``, ``/metrics`` and ``/openapi.json`` are for operators.

An API answer is always HTTP 200 of content type exactly ``application/json``, errors too: the official SDK takes
anything else for a broken network.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge_lpr.api import openapi
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import LOCAL, Account
from edge_lpr.api.request import ApiRequest, check_offered, parse
from edge_lpr.api.request_body import Body, EarlyResponse, Memory
from edge_lpr.api.signing import SignedRequest, announced, authenticate, check_method
from edge_lpr.messages import payloads as messages
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.service.metrics import SUCCESS, Gate, Metrics
from edge_lpr.web.clients import Address, address_of, check_needs_no_key, is_this_device, slot_of
from edge_lpr.web.rate_limit import RateLimit

FACE = "http"
JSON = "application/json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All are answered, most of them with UnsupportedProtocol, so that a caller reads a reason."""

MAX_FAILURES = 10
"""Failed authentications a second of one client address. Past it, the address is refused before any work."""

STALLED_S = 60.0
"""Without a turn of the frame loop the gate is not well; systemd's watchdog waits as long."""

_log = logging.getLogger(__name__)


def create_app(desk: Dispatcher, accounts: Mapping[str, Account], metrics: Metrics, gate: Gate) -> Starlette:
    """The application. Without ``accounts`` nobody signs, and only this device itself is answered."""
    return Starlette(routes=create_routes(desk, accounts, metrics, gate))


def create_routes(desk: Dispatcher, accounts: Mapping[str, Account], metrics: Metrics, gate: Gate) -> list[BaseRoute]:
    """What the application is made of."""
    face = _HttpRoutes(desk, accounts, metrics, gate)
    return [
        Route("/", face.api, methods=list(METHODS)),
        Route("/healthz", face.healthz),
        Route("/metrics", face.metrics),
        Route("/openapi.json", face.openapi),
    ]


class _HttpRoutes:
    def __init__(self, desk: Dispatcher, accounts: Mapping[str, Account], metrics: Metrics, gate: Gate) -> None:
        self._desk = desk
        self._accounts = accounts
        self._secrets = {name: account.secret_key for name, account in accounts.items()}
        self._metrics = metrics
        self._gate = gate
        self._memory = Memory()
        self._failures = RateLimit(MAX_FAILURES)

    async def api(self, request: Request) -> Response:
        """One call of the API."""
        began_s = time.monotonic()
        with Body(self._memory, request) as body:
            try:
                answer = await self._answer(request, body)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except ApiError as error:
                answer = messages.error_response(error.code, error.message, messages.new_request_id())
            except Exception as error:  # a fault of ours must still be an answer that the SDK understands
                _log.exception("a request over HTTP failed", exc_info=error)
                fault = ErrorCode.INTERNAL_ERROR
                answer = messages.error_response(fault, fault.message, messages.new_request_id())
        self._metrics.note(FACE, _code(answer), time.monotonic() - began_s)
        content = messages.encode(answer)
        return Response(content, media_type=JSON) if body.is_over else EarlyResponse(content, JSON, body)

    async def healthz(self, _request: Request) -> Response:
        """200 while the gate does its work, 503 when its loop stands still or its camera sees nothing."""
        state = self._gate()
        if state is None:
            return JSONResponse({"Status": "starting"})
        is_well = time.monotonic() - state.at_s < STALLED_S and not state.camera.is_blind
        told = {
            "Status": "ok" if is_well else "failed",
            "Camera": state.camera.state,
            "CameraFault": state.camera.fault,
            "Broker": state.publisher.connection.state,
            "Waiting": state.publisher.outbox.waiting,
        }
        return JSONResponse(told, status_code=200 if is_well else 503)

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        return Response(self._metrics.exposition(), media_type="text/plain; version=0.0.4")

    async def openapi(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(messages.encode(openapi.document()), media_type=JSON)

    async def _answer(self, request: Request, body: Body) -> JsonObject:
        head, peer = _head(request), address_of("" if request.client is None else request.client.host)
        with self._failures_counted(peer):
            caller = self._announced(head, peer)
        content = await body.read(caller)
        # In a thread: the signature and the parameters of 10 MB take long enough to hold up all other callers.
        with self._failures_counted(peer):
            account, call = await asyncio.to_thread(self._admitted, replace(head, body=content))
        return await asyncio.wrap_future(self._desk.submit(call.parameters, account))

    @contextmanager
    def _failures_counted(self, peer: Address | None) -> Iterator[None]:
        """Raises ApiError (RequestLimitExceeded) for an address that failed to authenticate too often of late.

        The device itself is let off: a proxy on it speaks for everybody.
        """
        if is_this_device(peer):
            yield
            return
        slot = slot_of(peer)
        if self._failures.is_reached(slot, time.monotonic()):
            raise ApiError(
                ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many requests from your address failed to authenticate."
            )
        try:
            yield
        except ApiError as error:
            if error.code.startswith("AuthFailure."):
                self._failures.admits(slot, time.monotonic())
            raise

    def _announced(self, head: SignedRequest, peer: Address | None) -> str:
        """Who says that he asks, as the headers tell; nobody where they do not. Raises ApiError for whom no body helps:
        a large one is not even taken in from him."""
        if self._accounts:
            return announced(head, self._secrets, time.time()) or ""
        check_method(head)
        check_needs_no_key(peer, head.headers)
        return LOCAL.name

    def _admitted(self, signed: SignedRequest) -> tuple[Account, ApiRequest]:
        """Who asks, and for what that is offered. Raises ApiError."""
        account = LOCAL
        if self._accounts:
            account = self._accounts[authenticate(signed, self._secrets, time.time())]
        call = parse(signed)
        check_offered(call)
        return account, call


def _head(request: Request) -> SignedRequest:
    """The request without its body."""
    # The path as it came: a signature covers what was sent, before decoding.
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope["query_string"].decode("latin-1")
    return SignedRequest(request.method, path.decode("latin-1"), query, dict(request.headers), b"")


def _code(answer: JsonObject) -> str:
    error = answer["Response"].get("Error")
    return SUCCESS if error is None else str(error["Code"])
