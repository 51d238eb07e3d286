"""Signatures of Tencent Cloud's API, verified on the receiving side.

TC3-HMAC-SHA256 ("signature v3", in the ``Authorization`` header) and the older HmacSHA1 and HmacSHA256 ("signature v1",
among the parameters). Source: Tencent Cloud API 3.0, "Signature v3" and "Signature"; where its pages leave a question
open, this follows the signer of the official Python SDK, which clients use.

The specification decides what a signature covers. v3 covers the body, the host and the time; it covers ``X-TC-Action``
only if ``SignedHeaders`` lists it, and never the query string of a POST. A recorded request can be sent again for five
minutes. TLS closes both gaps.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.forms import Form, is_form

MAX_SKEW_S = 300
"""The largest difference between the request's time and the device's clock, in seconds."""

SERVICE = "ocr"
"""The name of the product in the credential scope."""

_UNSIGNED = "UNSIGNED-PAYLOAD"
_DIGESTS = {"": "sha1", "HmacSHA1": "sha1", "HmacSHA256": "sha256"}
"""Digests by SignatureMethod, which may be absent."""

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 +Credential=(?P<secret_id>[^/,\s]+)/(?P<date>\d{4}-\d\d-\d\d)/(?P<service>[^/,\s]+)/tc3_request"
    r", *SignedHeaders=(?P<names>[\w-]+(?:;[\w-]+)*), *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as received.

    ``query`` is the raw text after ``?``. Header names are in lower case; header values are the received bytes decoded
    as Latin-1, as usual with ASGI.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Tc3Header:
    """The header fields of a signature v3. ``scope``: date, service, a fixed word; ``names``: the signed headers."""

    secret_id: str
    scope: tuple[str, str, str]
    names: tuple[str, ...]
    timestamp: str
    signature: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """The signature of a request. ``texts`` are possible strings to sign; ``signature`` must fit one of them."""

    secret_id: str
    token: str
    signature: str
    texts: tuple[bytes, ...]
    sign: Callable[[str, bytes], str]
    """Returns the signature of a text with a SecretKey."""


def authenticate(request: SignedRequest, keys: Mapping[str, str], now_s: float, service: str = SERVICE) -> str:
    """Returns the SecretId that signed ``request``. ``keys`` maps SecretId to SecretKey, ``now_s`` is Unix time.

    Raises ApiError: AuthFailure.* for a request not signed with one of ``keys`` within five minutes, MissingParameter
    and InvalidParameter for an incomplete v1 signature, UnsupportedProtocol for other methods than GET and POST.
    """
    check_method(request)
    is_tc3 = "authorization" in request.headers
    claim = _tc3_claim(request, now_s, service) if is_tc3 else _v1_claim(request, keys, now_s)
    key = _key_of(claim.secret_id, keys)
    given = claim.signature.encode(errors="replace")
    fits = [hmac.compare_digest(claim.sign(key, text).encode(), given) for text in claim.texts]
    if not any(fits):
        raise ApiError(ErrorCode.SIGNATURE_FAILURE)
    if claim.token:
        raise ApiError(ErrorCode.TOKEN_FAILURE)
    return claim.secret_id


def check_head(head: SignedRequest, keys: Mapping[str, str], now_s: float, service: str = SERVICE) -> None:
    """Checks what the headers tell of the signature. ``head`` is the request without its body.

    Raises ApiError as ``authenticate`` does, for each error that no body could correct.
    """
    check_method(head)
    if "authorization" in head.headers:
        _key_of(_tc3_header(head, now_s, service).secret_id, keys)
    elif head.method == "GET" or not is_form(head.headers.get("content-type", "")):
        _v1_form(head, keys, now_s)


def check_method(request: SignedRequest) -> None:
    """Raises ApiError (UnsupportedProtocol) for other methods than GET and POST."""
    if request.method not in ("GET", "POST"):
        raise ApiError(ErrorCode.UNSUPPORTED_PROTOCOL)


def _key_of(secret_id: str, keys: Mapping[str, str]) -> str:
    key = keys.get(secret_id)
    if key is None:
        raise ApiError(ErrorCode.SECRET_ID_NOT_FOUND)
    return key


def _tc3_header(request: SignedRequest, now_s: float, service: str) -> _Tc3Header:
    """Parses the headers and checks everything that needs neither the key nor the body."""
    headers = request.headers
    parts = _AUTHORIZATION.fullmatch(headers["authorization"].strip())
    if parts is None:
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION)
    names = parts["names"].lower().split(";")
    if len(set(names)) != len(names) or not {"content-type", "host"} <= set(names):
        message = "SignedHeaders must name content-type and host, and each header once."
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION, message)
    if missing := [name for name in names if name not in headers]:
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION, f"The signed header {missing[0]} is missing.")
    timestamp = headers.get("x-tc-timestamp", "").strip()
    date = _utc_date(timestamp, "X-TC-Timestamp", now_s)
    if (parts["date"], parts["service"]) != (date, service):
        raise ApiError(ErrorCode.SIGNATURE_FAILURE, f"The credential scope must be {date}/{service}/tc3_request.")
    scope = (date, service, "tc3_request")
    return _Tc3Header(parts["secret_id"], scope, tuple(names), timestamp, parts["signature"])


def _tc3_claim(request: SignedRequest, now_s: float, service: str) -> _Claim:
    """Signature v3, steps 1 and 2: the canonical request and the string to sign."""
    header, headers = _tc3_header(request, now_s, service), request.headers
    is_unsigned = headers.get("x-tc-content-sha256", "").strip() == _UNSIGNED
    payload_sum = hashlib.sha256(_UNSIGNED.encode() if is_unsigned else request.body).hexdigest()
    query = request.query if request.method == "GET" else ""

    def text(value: Callable[[str], str]) -> bytes:
        lines = "".join(f"{name}:{value(headers[name]).strip()}\n" for name in header.names)
        canonical = "\n".join((request.method, request.path, query, lines, ";".join(header.names), payload_sum))
        canonical_sum = hashlib.sha256(_wire_bytes(canonical)).hexdigest()
        return f"TC3-HMAC-SHA256\n{header.timestamp}\n{'/'.join(header.scope)}\n{canonical_sum}".encode()

    def sign(secret_key: str, to_sign: bytes) -> str:
        key = f"TC3{secret_key}".encode()
        for part in header.scope:
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, to_sign, "sha256").hex()

    # The specification puts header values in lower case; the SDKs sign them unchanged.
    texts = (text(str.lower), text(str))
    return _Claim(header.secret_id, headers.get("x-tc-token", "").strip(), header.signature, texts, sign)


def _v1_form(request: SignedRequest, keys: Mapping[str, str], now_s: float) -> Form:
    """Returns the form of a request whose signature can be verified. Checks all that needs few bytes of it."""
    form = Form("")
    if request.method == "GET":
        form = Form(request.query)
    elif is_form(request.headers.get("content-type", "")):
        form = Form(request.body)
    if not form.short("Signature"):
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION)
    for name in ("SecretId", "Timestamp", "Nonce"):
        if not form.short(name):
            raise ApiError(ErrorCode.MISSING_PARAMETER, f"The signature needs the parameter {name}.")
    _utc_date(form.short("Timestamp"), "Timestamp", now_s)
    if form.short("SignatureMethod") not in _DIGESTS:
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION, "SignatureMethod must be HmacSHA1 or HmacSHA256.")
    _key_of(form.short("SecretId"), keys)
    return form


def _v1_claim(request: SignedRequest, keys: Mapping[str, str], now_s: float) -> _Claim:
    """Signature v1: all parameters but ``Signature``, sorted, their values before URL encoding."""
    parameters = _v1_form(request, keys, now_s).parameters()
    digest = _DIGESTS[parameters.get("SignatureMethod", "")]
    # Old SDKs write Filters_0 for Filters.0 and sign it with the dot.
    signed = {name.replace("_", "."): value for name, value in parameters.items() if name != "Signature"}
    if len(signed) != len(parameters) - 1:
        raise ApiError(ErrorCode.INVALID_PARAMETER, "A parameter is given twice.")
    pairs = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    host = request.headers.get("host", "").strip()
    hosts = dict.fromkeys((host, host.lower()))  # one, if it is in lower case: a text may have 10 MB
    texts = tuple(_utf8(f"{request.method}{name}{request.path}?{pairs}") for name in hosts)

    def sign(secret_key: str, to_sign: bytes) -> str:
        return base64.b64encode(hmac.digest(secret_key.encode(), to_sign, digest)).decode()

    return _Claim(parameters["SecretId"], parameters.get("Token", ""), parameters["Signature"], texts, sign)


def _utc_date(timestamp: str, name: str, now_s: float) -> str:
    """Returns the UTC date of a Unix time in seconds, which must be near ``now_s``."""
    if not timestamp:
        raise ApiError(ErrorCode.MISSING_PARAMETER, f"{name} is missing.")
    if not re.fullmatch(r"\d{1,10}", timestamp, re.ASCII):
        raise ApiError(ErrorCode.INVALID_PARAMETER, f"{name} must be Unix time in whole seconds.")
    if abs(now_s - int(timestamp)) > MAX_SKEW_S:
        raise ApiError(ErrorCode.SIGNATURE_EXPIRE)
    return datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")


def _wire_bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ApiError(ErrorCode.INVALID_AUTHORIZATION, "A signed header is not made of bytes.") from error


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:  # a lone surrogate
        raise ApiError(ErrorCode.INVALID_PARAMETER, "A parameter is not text.") from error
