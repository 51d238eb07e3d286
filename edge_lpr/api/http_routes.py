"""The API over HTTP: ``/`` is its endpoint, ``/openapi.json`` describes it.

An API answer is always HTTP 200 with the content type exactly ``application/json``, errors too: the official SDK takes
anything else for a network error.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge_lpr.api import openapi
from edge_lpr.api.body_memory import BodyMemory
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import LOCAL, Account
from edge_lpr.api.request import ApiRequest, check_offered, parse_request
from edge_lpr.api.request_body import Body, EarlyResponse
from edge_lpr.api.request_metrics import SUCCESS, RequestMetrics
from edge_lpr.api.signing import SignedRequest, authenticate, check_head, check_method
from edge_lpr.api.verification import VerificationTurns
from edge_lpr.messages.answer import error_answer, error_code
from edge_lpr.messages.encoding import encode, new_request_id
from edge_lpr.web.clients import (
    Address,
    KeylessRefusal,
    is_this_device,
    keyless_refusal,
    network_of,
    parse_address,
)
from edge_lpr.web.rate_limit import AddressLimit

ENTRANCE = "http"
JSON = "application/json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All of them are answered, most with UnsupportedProtocol, so that the client reads a reason."""

MAX_FAILURES = 10
"""Requests per second and client address that are refused before they are authenticated, for whatever reason. Further
requests of that address are refused at once."""

_KEYLESS_REFUSALS = {
    KeylessRefusal.OTHER_DEVICE: "only the device itself is answered",
    KeylessRefusal.HOST_NAME: "the Host header must be localhost or a loopback address",
    KeylessRefusal.OTHER_SITE: "no web page of another site is answered",
}

_log = logging.getLogger(__name__)


def create_routes(dispatcher: Dispatcher, accounts: Mapping[str, Account], metrics: RequestMetrics) -> list[BaseRoute]:
    """Returns the API's routes. Without ``accounts`` requests are unsigned and only this device is answered."""
    routes = _HttpRoutes(dispatcher, accounts, metrics)
    return [Route("/", routes.api, methods=list(METHODS)), Route("/openapi.json", routes.openapi)]


class _HttpRoutes:
    def __init__(self, dispatcher: Dispatcher, accounts: Mapping[str, Account], metrics: RequestMetrics) -> None:
        self._dispatcher = dispatcher
        self._accounts = accounts
        self._secrets = {name: account.secret_key for name, account in accounts.items()}
        self._metrics = metrics
        self._memory = BodyMemory()
        self._turns = VerificationTurns()
        self._failures = AddressLimit(MAX_FAILURES)
        self._document = encode(openapi.document())

    async def api(self, request: Request) -> Response:
        """Answers one API request."""
        began_s = time.monotonic()
        peer = parse_address("" if request.client is None else request.client.host)
        with Body(self._memory, request, str(network_of(peer))) as body:
            try:
                account, call = await self._admitted(_head(request), peer, body)
                answer = await asyncio.wrap_future(self._dispatcher.submit(call.parameters, account))
            except ClientDisconnect:
                return Response(status_code=400)  # the client is gone
            except ApiError as error:
                answer = error_answer(error.code, error.message, new_request_id())
            except Exception as error:  # an internal error must still be an answer that the SDK understands
                _log.exception("a request over HTTP failed", exc_info=error)
                fault = ErrorCode.INTERNAL_ERROR
                answer = error_answer(fault, fault.message, new_request_id())
        code = error_code(answer.response) or SUCCESS
        self._metrics.record_request(ENTRANCE, code, time.monotonic() - began_s)
        content = answer.encode()
        return Response(content, media_type=JSON) if body.is_over else EarlyResponse(content, JSON, body)

    async def openapi(self, _request: Request) -> Response:
        """Answers with the OpenAPI document."""
        return Response(self._document, media_type=JSON)

    async def _admitted(self, head: SignedRequest, peer: Address | None, body: Body) -> tuple[Account, ApiRequest]:
        """Returns the caller's account and the request. Raises ApiError, ClientDisconnect."""
        async with AsyncExitStack() as turn:
            with self._failures_counted(peer):
                self._check_head(head, peer)
                async with body.limits():
                    await body.read()
                    await turn.enter_async_context(self._turns.turn(peer, body.size))
                signed = replace(head, body=body.take())
                # In a thread: the signature and the parameters of 10 MB would block all other requests.
                account = await asyncio.to_thread(self._authenticated, signed)
            self._failures.mark_known(peer)
            body.admit(account.name)
            return account, await asyncio.to_thread(_parsed, signed)

    @contextmanager
    def _failures_counted(self, peer: Address | None) -> Iterator[None]:
        """Counts a refusal inside of the block.

        Raises ApiError (RequestLimitExceeded) for an address with too many refusals in the last second. The device
        itself is exempt: a proxy on it sends the requests of all clients.
        """
        if is_this_device(peer):
            yield
            return
        if self._failures.is_reached(peer, time.monotonic()):
            raise ApiError(
                ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many requests from your address failed to authenticate."
            )
        try:
            yield
        except ApiError:
            self._failures.admits(peer, time.monotonic())
            raise

    def _check_head(self, head: SignedRequest, peer: Address | None) -> None:
        """Raises ApiError for a request whose headers already fail authentication, so that its body is not read."""
        if self._accounts:
            check_head(head, self._secrets, time.time())
            return
        check_method(head)
        refusal = keyless_refusal(peer, head.headers)
        if refusal is not None:
            message = f"Without a keys file (api.keys_file) {_KEYLESS_REFUSALS[refusal]}."
            raise ApiError(ErrorCode.INVALID_AUTHORIZATION, message)

    def _authenticated(self, signed: SignedRequest) -> Account:
        """Returns the caller's account. Raises ApiError."""
        return self._accounts[authenticate(signed, self._secrets, time.time())] if self._accounts else LOCAL


def _parsed(signed: SignedRequest) -> ApiRequest:
    """Returns the request. Raises ApiError."""
    call = parse_request(signed)
    check_offered(call)
    return call


def _head(request: Request) -> SignedRequest:
    """Returns the request without its body."""
    # The raw path: a signature covers what was sent, before decoding.
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope["query_string"].decode("latin-1")
    return SignedRequest(request.method, path.decode("latin-1"), query, dict(request.headers), b"")
