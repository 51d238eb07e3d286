"""Requests that nobody would send on purpose, and what must hold of every answer; for the suite and `make api-fuzz`.

Two sources: schemathesis, which makes fitting and unfitting requests of our OpenAPI document, and strategies of our own
for what the document cannot say: raw bodies, headers, addresses, and pictures damaged in every place.
"""

from __future__ import annotations

import base64
import io
import json
from functools import cache
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image
from schemathesis import GenerationMode

from edge_lpr.api import openapi
from edge_lpr.api.faults import Fault
from edge_lpr.api.schemas import load_schema

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
OURS = {Fault.INTERNAL_ERROR, Fault.UNKNOWN_ERROR}
"""Faults of the service itself: no request may bring them about."""

_ANSWER, _ERROR = (Draft202012Validator(load_schema(name)) for name in ("response", "error"))

Request = dict[str, Any]
"""Arguments of ``httpx.Client.request``."""


def assert_is_an_answer(status: int, content_type: str, content: bytes) -> str:
    """HTTP 200, exactly ``application/json``, and one of the two schemas; the code, "Success" without one."""
    assert (status, content_type) == (200, "application/json"), content[:200]
    answer = json.loads(content)
    if "Error" not in answer["Response"]:
        _ANSWER.validate(answer)
        return "Success"
    _ERROR.validate(answer)
    code = Fault(answer["Response"]["Error"]["Code"])
    assert code not in OURS
    return str(code)


def send(client: httpx.Client, request: Request) -> str:
    """Ask, and assert that it is an answer; its code."""
    response = client.request(url="/", **request)
    return assert_is_an_answer(response.status_code, response.headers["content-type"], response.content)


def documented() -> st.SearchStrategy[schemathesis.Case[Any]]:
    """Requests by the OpenAPI document, fitting and not."""
    schema = schemathesis.openapi.from_dict(openapi.document())
    operations = [schema["/"][method] for method in ("POST", "GET")]
    return st.one_of(
        *(operation.as_strategy(generation_mode=mode) for operation in operations for mode in GenerationMode)
    )


def raw(plate_photo: bytes) -> st.SearchStrategy[Request]:
    """Requests that no document describes."""
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
    """Requests with nothing wrong but their pictures."""
    return damaged(plate_photo).map(
        lambda content: {
            "method": "POST",
            "headers": HEADERS,
            "json": {"ImageBase64": base64.b64encode(content).decode()},
        }
    )


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The usual value three times out of four, so that what comes behind its check is reached."""
    return st.integers(0, 3).flatmap(lambda number: st.just(usual) if number else st.sampled_from(others))


def damaged(plate_photo: bytes) -> st.SearchStrategy[bytes]:
    """Pictures of several kinds with bytes changed, cut off and put in; some are whole."""
    originals = [plate_photo, *_small_pictures()]

    def change(original: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
        content = bytearray(original)
        for place, length, put_in in edits:
            at = int(place * len(content))
            content[at : at + length] = put_in
        return bytes(content)

    places = st.one_of(st.floats(0, 1), st.floats(0, 0.02))  # headers are in front
    edits = st.lists(st.tuples(places, st.integers(0, 8), st.binary(max_size=8)), max_size=4)
    return st.builds(change, st.sampled_from(originals), edits)


def addresses() -> st.SearchStrategy[str]:
    """Addresses, none of which leads out of this machine."""
    hosts = ["127.0.0.1:9", "[::1]:9", "localhost:9", "0:9", "2130706433:9", "169.254.169.254", "[::ffff:10.0.0.1]", ""]
    schemes = st.sampled_from(["http", "https", "file", "HTTP", ""])
    near = st.builds("{}://{}{}".format, schemes, st.sampled_from(hosts), st.text(max_size=10))
    return st.one_of(near, st.text(max_size=60))


def cut(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bodies that end too early."""
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
