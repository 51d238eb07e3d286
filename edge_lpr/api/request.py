"""Parses a request over HTTP: its action, version and parameters.

Signature v3 puts action and version into headers and the parameters into a JSON body, a form or the query string;
signature v1 puts everything into the form or the query string. Source: Tencent Cloud API 3.0, "Common parameters".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.forms import form_parameters, is_form
from edge_lpr.api.license_plate_ocr import ACTION, VERSION
from edge_lpr.api.signing import SignedRequest

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
"""Parameters of a v1 request that do not belong to the action."""

MAX_COMMAS = 20_000
"""Bound on the commas of a JSON body. A request has two or three; a URL has at most as many as characters. Without this
bound a body of millions of small values would hold Python's lock for a second, stop the frame loop, and take 300 MB."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request. ``action`` and ``version`` may be any text; ``parameters`` belong to the action."""

    action: str
    version: str
    parameters: Mapping[str, object]


def parse_request(request: SignedRequest) -> ApiRequest:
    """Returns the parsed request.

    Raises ApiError: MissingParameter without action or version, InvalidParameter for a body that is neither JSON nor a
    form.
    """
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


def check_offered(request: ApiRequest) -> None:
    """Raises ApiError (InvalidAction, NoSuchVersion) for a request that is not LicensePlateOCR 2018-11-19."""
    if request.action != ACTION:
        raise ApiError(ErrorCode.INVALID_ACTION)
    if request.version != VERSION:
        raise ApiError(ErrorCode.NO_SUCH_VERSION)


def json_object(body: bytes) -> dict[str, object]:
    """Parses a JSON body.

    Raises ApiError (InvalidParameter) for a body that is no JSON object, repeats a name, or has too many values.
    """
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
