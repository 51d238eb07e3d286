"""Forms: what they say is found at a bounded price, before their sender is known."""

from __future__ import annotations

import tracemalloc
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.forms import CONTENT_TYPE, MAX_ESCAPES, Form, form_parameters
from edge_lpr.api.signing import SignedRequest, authenticate

NOW_S = 1_700_000_000
KNOWN = {"SecretId": "known", "Timestamp": str(NOW_S), "Nonce": "1", "Signature": "x"}
FILLING = b"&a=" + b"%41" * 600_000


def code_of(body: bytes) -> str:
    """Returns the code of the refusal, which may cost no more memory than a few copies of the body."""
    request = SignedRequest("POST", "/", "", {"content-type": CONTENT_TYPE, "host": "gate"}, body)
    tracemalloc.start()
    try:
        with pytest.raises(ApiError) as caught:
            authenticate(request, {"known": "secret"}, NOW_S)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body) + 100_000
    finally:
        tracemalloc.stop()
    return caught.value.code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Signature": ""}, ErrorCode.INVALID_AUTHORIZATION),
        ({"SecretId": ""}, ErrorCode.MISSING_PARAMETER),
        ({"SecretId": "unknown"}, ErrorCode.SECRET_ID_NOT_FOUND),
        ({"SecretId": "s" * 2000}, ErrorCode.INVALID_PARAMETER),
        ({"Timestamp": str(NOW_S - 301)}, ErrorCode.SIGNATURE_EXPIRE),
        ({"Timestamp": "soon"}, ErrorCode.INVALID_PARAMETER),
        ({"Timestamp": ""}, ErrorCode.MISSING_PARAMETER),
        ({"SignatureMethod": "HmacMD5"}, ErrorCode.INVALID_AUTHORIZATION),
        ({}, ErrorCode.INVALID_PARAMETER),
    ],
    ids=str,
)
def test_a_large_form_that_cannot_be_signed_is_not_decoded(changes: dict[str, str], expected: ErrorCode) -> None:
    assert code_of(urlencode({**KNOWN, **changes}).encode() + FILLING) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"a=" + b"%41" * 599_990 + b"%ff",
        b"a=1&" * 1_000_000,
        b"&" * 2_000_000,
        b"=" * 2_000_000,
        b"%41" * 600_000 + b"=1",
        b"\xff" * 2_000_000,
        b"%" * 2_000_000,
        b"a=" + b"+" * 2_000_000,
    ],
    ids=["escapes", "fields", "separators", "equals", "a name", "no ASCII", "percents", "spaces"],
)
def test_a_large_unsigned_form_is_refused_without_decoding(body: bytes) -> None:
    assert code_of(body) in (ErrorCode.INVALID_AUTHORIZATION, ErrorCode.INVALID_PARAMETER)


def test_a_picture_of_plus_signs_and_slashes_is_read_in_any_case_of_its_escapes() -> None:
    picture = "+/A=" * 400_000
    for body in (urlencode({"ImageBase64": picture}), "ImageBase64=" + quote(picture, safe="").lower()):
        read = form_parameters(body)["ImageBase64"]
        assert read == (picture if "%2B" in body else picture.lower())


def test_more_escapes_than_a_picture_or_a_url_has_are_refused() -> None:
    assert len(form_parameters(b"a=" + b"%41" * MAX_ESCAPES)["a"]) == MAX_ESCAPES
    for body in (b"a=" + b"%41" * (MAX_ESCAPES + 1), b"a=" + b"%41" * MAX_ESCAPES + b"&b=%41"):
        with pytest.raises(ApiError):
            form_parameters(body)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=8))
def test_forms_are_parsed_as_the_standard_library_parses_them(parameters: dict[str, str]) -> None:
    body = urlencode(parameters)
    assert form_parameters(body) == dict(parse_qsl(body, keep_blank_values=True)) == parameters
    assert all(Form(body.encode()).short(name) == value for name, value in parameters.items())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["%2B", "%2b", "+", "%2F", "%25", "%", "2B", "%3D", "=", "A", "4", "%41"]), max_size=9))
def test_the_replaced_escapes_of_a_picture_mean_the_same(pieces: list[str]) -> None:
    tail = "%2B" * (MAX_ESCAPES + 1)
    body = "a=" + "".join(pieces)
    try:
        expected = dict(parse_qsl(body + tail, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        with pytest.raises(ApiError):
            form_parameters(body + tail)
    else:
        assert form_parameters(body + tail) == expected
