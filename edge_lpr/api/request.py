"""From a request over HTTP to what it asks for: action, version and parameters, wherever each of them stands.

Signature v3 puts action and version into headers and the parameters into a JSON body, a form or the query string;
signature v1 puts everything into the form or the query string. Source: Tencent Cloud API 3.0, "Common parameters".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.license_plate_ocr import ACTION, VERSION
from edge_lpr.api.signing import SignedRequest, form_parameters, is_form

_COMMON = frozenset(
    [
        "Action",
        "Version",
        "Region",
        "Timestamp",
        "Nonce",
        "SecretId",
        "Signature",
        "SignatureMethod",
        "Token",
        "Language",
        "RequestClient",
    ]
)
"""What stands among the parameters of a v1 request and is not the action's."""

MAX_COMMAS = 20_000
"""Of a JSON body: a request has two or three, its addresses no more than they have characters. Without a bound, a body
of millions of small values would keep Python's lock, and so the camera loop, for a second and take 300 MB."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What is asked for. ``action`` and ``version`` may be anything; ``parameters`` are the action's own."""

    action: str
    version: str
    parameters: Mapping[str, object]


def parse_request(request: SignedRequest) -> ApiRequest:
    """Raises ApiError: MissingParameter without action or version, InvalidParameter for what is no JSON and no form."""
    parameters = _parameters(request)
    if "x-tc-action" in request.headers:
        action = request.headers["x-tc-action"].strip()
        version = request.headers.get("x-tc-version", "").strip()
        names = "X-TC-Action", "X-TC-Version"
    else:
        action, version = str(parameters.get("Action", "")), str(parameters.get("Version", ""))
        parameters = {name: value for name, value in parameters.items() if name not in _COMMON}
        names = "X-TC-Action, or Action among the parameters,", "Version"
    for name, value in zip(names, (action, version), strict=True):
        if not value:
            raise ApiError(ErrorCode.MISSING_PARAMETER, f"{name} is missing.")
    return ApiRequest(action, version, parameters)


def check_offered(call: ApiRequest) -> None:
    """Raises ApiError: InvalidAction, NoSuchVersion."""
    if call.action != ACTION:
        raise ApiError(ErrorCode.INVALID_ACTION)
    if call.version != VERSION:
        raise ApiError(ErrorCode.NO_SUCH_VERSION)


def json_object(body: bytes) -> dict[str, object]:
    """A request's JSON body. Raises ApiError (InvalidParameter) for what is no JSON object, gives a name twice, or has
    more values than any request."""
    if body.count(b",") > MAX_COMMAS:
        raise ApiError(ErrorCode.INVALID_PARAMETER, "The body has far too many values.")
    try:
        value = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ApiError(ErrorCode.INVALID_PARAMETER, "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise ApiError(ErrorCode.INVALID_PARAMETER, "The body is not a JSON object.")
    return value


def _parameters(request: SignedRequest) -> dict[str, object]:
    if request.method == "GET":
        return dict(form_parameters(request.query))
    content_type = request.headers.get("content-type", "")
    if is_form(content_type):
        return dict(form_parameters(request.body))
    if content_type.split(";", 1)[0].strip().lower() != "application/json":
        raise ApiError(
            ErrorCode.INVALID_PARAMETER, "Content-Type must be application/json, or that of a URL-encoded form."
        )
    return json_object(request.body)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ApiError(ErrorCode.INVALID_PARAMETER, "A parameter is given twice.")
    return found
