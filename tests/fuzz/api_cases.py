"""Generated requests to the API, and the checks for every answer; for the test suite and `make api-fuzz`.

There are two sources. schemathesis generates valid and invalid requests from the OpenAPI document. The strategies here
generate what the document does not describe: raw bodies, headers, addresses, and damaged pictures.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from functools import cache
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image
from schemathesis import GenerationMode

from edge_lpr.api import openapi
from edge_lpr.api.errors import ErrorCode
from edge_lpr.messages.schemas import load_schema

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
SERVICE_FAULTS = {ErrorCode.INTERNAL_ERROR, ErrorCode.UNKNOWN_ERROR}
"""Errors of the service itself. No request may cause them."""

_ANSWER, _ERROR = (Draft202012Validator(load_schema(name)) for name in ("response", "error"))

Request = dict[str, Any]
"""Arguments of ``httpx.Client.request``."""


def assert_is_an_answer(status: int, content_type: str, content: bytes) -> str:
    """Asserts HTTP 200, exactly ``application/json``, and one of the two schemas; returns the code or "Success"."""
    assert (status, content_type) == (200, "application/json"), content[:200]
    answer = json.loads(content)
    if "Error" not in answer["Response"]:
        _ANSWER.validate(answer)
        return "Success"
    _ERROR.validate(answer)
    code = ErrorCode(answer["Response"]["Error"]["Code"])
    assert code not in SERVICE_FAULTS
    return str(code)


def send(client: httpx.Client, request: Request) -> str:
    """Sends a request and checks the answer; returns its code."""
    response = client.request(url="/", **request)
    return assert_is_an_answer(response.status_code, response.headers["content-type"], response.content)


def documented() -> st.SearchStrategy[schemathesis.Case[Any]]:
    """Requests from the OpenAPI document, valid and invalid."""
    schema = schemathesis.openapi.from_dict(openapi.document())
    operations = [schema["/"][method] for method in ("POST", "GET")]
    return st.one_of(
        *(operation.as_strategy(generation_mode=mode) for operation in operations for mode in GenerationMode)
    )


def raw(plate_photo: bytes) -> st.SearchStrategy[Request]:
    """Requests that the document does not describe."""
    pictures = damaged(plate_photo).map(lambda content: base64.b64encode(content).decode())
    values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=2))
    with_picture = st.fixed_dictionaries({"ImageBase64": pictures})
    shapes = st.one_of(
        st.fixed_dictionaries({"ImageUrl": addresses()}),
        st.dictionaries(st.sampled_from(["ImageBase64", "ImageUrl", "Region", "imageurl", ""]), values, max_size=3),
        st.recursive(values, lambda inner: st.lists(inner, max_size=3), max_leaves=8),
    )
    whole, other = (each.map(lambda value: json.dumps(value).encode()) for each in (with_picture, shapes))
    bodies = st.one_of(whole, whole, whole, other, st.binary(max_size=200), cut(whole))
    types = mostly("application/json", "application/x-www-form-urlencoded", "text/plain", "a/b;c", "")
    values_of_headers = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30).map(str.strip)
    more_headers = st.dictionaries(
        st.sampled_from(["Authorization", "X-TC-Timestamp", "X-TC-Token", "X-TC-Content-SHA256", "Expect-Nothing"]),
        values_of_headers.map(lambda text: text.encode("latin-1")),
        max_size=2,
    )
    actions = st.sampled_from(
        [HEADERS, HEADERS, HEADERS, {}, {"X-TC-Action": "Other"}, {**HEADERS, "X-TC-Version": "1"}]
    )
    headers = st.builds(
        lambda action, kind, more: {**action, "Content-Type": kind, **more},
        *(actions, types, more_headers),
    )
    queries = st.dictionaries(
        st.sampled_from(["Action", "Version", "ImageUrl", "ImageBase64", "X"]), st.text(), max_size=3
    )
    return st.fixed_dictionaries(
        {
            "method": mostly("POST", "GET", "PUT", "DELETE", "OPTIONS"),
            "headers": headers,
            "content": bodies,
            "params": queries,
        }
    )


def pictures(plate_photo: bytes) -> st.SearchStrategy[Request]:
    """Valid requests with damaged pictures."""
    return damaged(plate_photo).map(
        lambda content: {
            "method": "POST",
            "headers": HEADERS,
            "json": {"ImageBase64": base64.b64encode(content).decode()},
        }
    )


def as_httpx(client: httpx.Client, made: Request | schemathesis.Case[Any]) -> httpx.Request:
    """Returns a generated request as a request of ``client``."""
    if isinstance(made, dict):
        return client.build_request(url="/", **made)
    prepared = requests.Request(**made.as_transport_kwargs(base_url=str(client.base_url))).prepare()
    headers = [
        (_bytes(name), _bytes(value)) for name, value in prepared.headers.items() if name.lower() != "content-length"
    ]
    body = prepared.body
    assert body is None or isinstance(body, str | bytes)
    return httpx.Request(str(prepared.method), str(prepared.url), headers=headers, content=body)


def sign(request: httpx.Request, secret_id: str, secret_key: str) -> httpx.Request:
    """Signs the request with TC3-HMAC-SHA256 and the present time. Source: Tencent Cloud API 3.0, "Signature v3"."""
    timestamp = f"{time.time():.0f}"
    scope = (time.strftime("%Y-%m-%d", time.gmtime(int(timestamp))), "ocr", "tc3_request")
    content = request.read()
    request.headers.setdefault("Content-Type", "application/json")
    signed = [(name.encode(), request.headers[name].strip().encode("latin-1")) for name in ("content-type", "host")]
    path, _, query = request.url.raw_path.partition(b"?")
    lines = b"".join(b"%b:%b\n" % pair for pair in signed)
    body_sum = hashlib.sha256(content).hexdigest().encode()
    parts = (request.method.encode(), path, query if request.method == "GET" else b"", lines, b"content-type;host")
    canonical_sum = hashlib.sha256(b"\n".join((*parts, body_sum))).hexdigest()
    key = f"TC3{secret_key}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{'/'.join(scope)}\n{canonical_sum}"
    request.headers["X-TC-Timestamp"] = timestamp
    request.headers["Authorization"] = (
        f"TC3-HMAC-SHA256 Credential={secret_id}/{'/'.join(scope)}, SignedHeaders=content-type;host, "
        f"Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
    )
    return request


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The usual value in three of four cases, so that the code after its check is reached."""
    return st.integers(0, 3).flatmap(lambda number: st.just(usual) if number else st.sampled_from(others))


def damaged(plate_photo: bytes) -> st.SearchStrategy[bytes]:
    """Pictures of several formats with changed, removed and inserted bytes; some are undamaged."""
    originals = [plate_photo, *_small_pictures()]

    def change(original: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
        content = bytearray(original)
        for place, length, inserted in edits:
            at = int(place * len(content))
            content[at : at + length] = inserted
        return bytes(content)

    places = st.one_of(st.floats(0, 1), st.floats(0, 0.02))  # the headers
    edits = st.lists(st.tuples(places, st.integers(0, 8), st.binary(max_size=8)), max_size=4)
    return st.builds(change, st.sampled_from(originals), edits)


def addresses() -> st.SearchStrategy[str]:
    """Addresses. None of them leads out of this machine."""
    hosts = ["127.0.0.1:9", "[::1]:9", "localhost:9", "0:9", "2130706433:9", "169.254.169.254", "[::ffff:10.0.0.1]", ""]
    schemes = st.sampled_from(["http", "https", "file", "HTTP", ""])
    near = st.builds("{}://{}{}".format, schemes, st.sampled_from(hosts), st.text(max_size=10))
    return st.one_of(near, st.text(max_size=60))


def cut(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Truncated bodies."""
    return st.builds(lambda body, share: body[: int(share * len(body))], bodies, st.floats(0, 1))


@cache
def _small_pictures() -> tuple[bytes, ...]:
    made = []
    for mode, form in (("RGB", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("I;16", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG"),
                       ("RGB", "BMP"), ("1", "PNG"), ("RGB", "GIF"), ("RGB", "WEBP"), ("RGB", "TIFF")):  # fmt: skip
        content = io.BytesIO()
        Image.new(mode, (40, 24)).save(content, form)
        made.append(content.getvalue())
    return tuple(made)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
