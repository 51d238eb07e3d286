"""Signatures: examples of the specification, requests of the official SDK, and requests that must be refused."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.forms import form_parameters, is_form
from edge_lpr.api.signing import SignedRequest, authenticate

credential = importlib.import_module("tencentcloud.common.credential")
client_profile = importlib.import_module("tencentcloud.common.profile.client_profile")
http_profile = importlib.import_module("tencentcloud.common.profile.http_profile")
ocr_client = importlib.import_module("tencentcloud.ocr.v20181119.ocr_client")

KEYS = {"tenant-one": "the first key", "tenant-two": "another key"}

# The example of the specification, with its published key pair.
SPEC_ID = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
SPEC_KEYS = {SPEC_ID: "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"}
SPEC_TIME = 1551113065
SPEC_REQUEST = SignedRequest(
    method="POST",
    path="/",
    query="",
    headers={
        "authorization": f"TC3-HMAC-SHA256 Credential={SPEC_ID}/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        "content-type": "application/json; charset=utf-8",
        "host": "cvm.tencentcloudapi.com",
        "x-tc-action": "DescribeInstances",
        "x-tc-timestamp": str(SPEC_TIME),
        "x-tc-version": "2017-03-12",
    },
    body=rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
)
V1_TIME = 1465185768
V1_REQUEST = SignedRequest(
    method="GET",
    path="/",
    query="Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Limit=20&Nonce=11886&Offset=0&Region=ap-guangzhou"
    f"&SecretId={SPEC_ID}&Timestamp={V1_TIME}&Version=2017-03-12&Signature=EliP9YW3pW28FpsEdkXt%2f%2bWcGeI%3d",
    headers={"host": "cvm.tencentcloudapi.com"},
    body=b"",
)


def with_headers(request: SignedRequest, changes: Mapping[str, str | None]) -> SignedRequest:
    """Returns the request with changed headers. None removes a header."""
    headers = {name: value for name, value in {**request.headers, **changes}.items() if value is not None}
    return replace(request, headers=headers)


def code_of(request: SignedRequest, now_s: float, keys: Mapping[str, str] = SPEC_KEYS, service: str = "cvm") -> str:
    """Asserts that the request is refused. Returns the error code."""
    with pytest.raises(ApiError) as caught:
        authenticate(request, keys, now_s, service)
    assert "\n" not in caught.value.message
    return caught.value.code


class RecordingServer:
    """A web server on loopback that records the requests of the SDK."""

    def __init__(self) -> None:
        received: list[SignedRequest] = []
        self._received = received

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received.append(SignedRequest(self.command, path, query, headers, body))
                answer = b'{"Response": {"RequestId": "1"}}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.endpoint = f"127.0.0.1:{self._server.server_port}"

    def last(self) -> SignedRequest:
        """Returns the last request."""
        return self._received[-1]

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def recording_server() -> Iterator[RecordingServer]:
    """A running server."""
    server = RecordingServer()
    yield server
    server.close()


Send = Callable[..., SignedRequest]


@pytest.fixture
def send(recording_server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Returns a function that sends a request with the official SDK and returns it as the server received it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(method: str, sign_method: str, *, unsigned: bool = False, token: str | None = None, **options: Any) -> Any:
        http = http_profile.HttpProfile(
            protocol="http", endpoint=options.get("endpoint", recording_server.endpoint), reqTimeout=5
        )
        http.reqMethod = method
        profile = client_profile.ClientProfile(signMethod=sign_method, httpProfile=http)
        profile.unsignedPayload = unsigned
        user = credential.Credential("tenant-two", KEYS["tenant-two"], token)
        client = ocr_client.OcrClient(user, options.get("region", "ap-guangzhou"), profile)
        params = {
            "ImageUrl": "http://example.com/a b?c=d&e=京A",
            "Base64": "a+/=",
            "Empty": "",
            "List": [1, {"B_c": 2}],
        }
        client.call_json("LicensePlateOCR", params, options=options.get("call"))
        return recording_server.last()

    return make


def test_the_v3_example_of_the_specification_is_accepted() -> None:
    assert authenticate(SPEC_REQUEST, SPEC_KEYS, SPEC_TIME, "cvm") == SPEC_ID


def test_the_v1_example_of_the_specification_is_accepted() -> None:
    assert authenticate(V1_REQUEST, SPEC_KEYS, V1_TIME) == SPEC_ID


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_of_the_official_sdk_is_accepted(send: Send, method: str, sign_method: str, unsigned: bool) -> None:
    request = send(method, sign_method, unsigned=unsigned)
    assert request.method == method
    assert authenticate(request, KEYS, time.time()) == "tenant-two"
    assert code_of(request, time.time(), {**KEYS, "tenant-two": "guess"}, "ocr") == ErrorCode.SIGNATURE_FAILURE
    assert code_of(request, time.time(), {"tenant-one": KEYS["tenant-two"]}, "ocr") == ErrorCode.SECRET_ID_NOT_FOUND
    assert code_of(request, time.time() + 310, KEYS, "ocr") == ErrorCode.SIGNATURE_EXPIRE
    assert code_of(request, time.time() - 310, KEYS, "ocr") == ErrorCode.SIGNATURE_EXPIRE


def test_a_multipart_request_of_the_sdk_is_accepted(send: Send) -> None:
    request = send("POST", "TC3-HMAC-SHA256", call={"IsMultipart": True})
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert authenticate(request, KEYS, time.time()) == "tenant-two"


@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA1"])
def test_a_host_in_capitals_is_signed_unchanged(
    send: Send, recording_server: RecordingServer, sign_method: str
) -> None:
    request = send("POST", sign_method, endpoint=recording_server.endpoint.replace("127.0.0.1", "LOCALHOST"))
    assert "LOCALHOST" in request.headers["host"]
    assert authenticate(request, KEYS, time.time()) == "tenant-two"


@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA256"])
def test_a_token_is_refused_after_the_signature_was_verified(send: Send, sign_method: str) -> None:
    request = send("POST", sign_method, token="temporary")
    assert code_of(request, time.time(), KEYS, "ocr") == ErrorCode.TOKEN_FAILURE
    assert code_of(request, time.time(), {"tenant-two": "guess"}, "ocr") == ErrorCode.SIGNATURE_FAILURE


def test_an_unsigned_request_of_the_sdk_is_refused(send: Send) -> None:
    request = send("POST", "TC3-HMAC-SHA256", call={"SkipSign": True})
    assert code_of(request, time.time(), KEYS, "ocr") == ErrorCode.INVALID_AUTHORIZATION


def test_an_unsigned_body_may_change_and_a_signed_body_may_not(send: Send) -> None:
    unsigned = replace(send("POST", "TC3-HMAC-SHA256", unsigned=True), body=b"{}")
    assert authenticate(unsigned, KEYS, time.time()) == "tenant-two"
    signed = send("POST", "TC3-HMAC-SHA256")
    assert code_of(replace(signed, body=b"{}"), time.time(), KEYS, "ocr") == ErrorCode.SIGNATURE_FAILURE
    declared = with_headers(signed, {"x-tc-content-sha256": "UNSIGNED-PAYLOAD"})
    assert code_of(declared, time.time(), KEYS, "ocr") == ErrorCode.SIGNATURE_FAILURE


@pytest.mark.parametrize(
    "tampered",
    [
        replace(SPEC_REQUEST, body=SPEC_REQUEST.body + b" "),
        replace(SPEC_REQUEST, path="/other"),
        replace(SPEC_REQUEST, method="GET"),
        with_headers(SPEC_REQUEST, {"host": "cvm.tencentcloudapi.com:80"}),
        with_headers(SPEC_REQUEST, {"content-type": "application/json"}),
        with_headers(SPEC_REQUEST, {"x-tc-timestamp": str(SPEC_TIME + 1)}),
    ],
    ids=["body", "path", "method", "host", "content type", "time"],
)
def test_a_changed_request_is_refused(tampered: SignedRequest) -> None:
    assert code_of(tampered, SPEC_TIME) == ErrorCode.SIGNATURE_FAILURE


@pytest.mark.parametrize(
    ("found", "instead", "expected"),
    [
        ("TC3-HMAC-SHA256", "TC3-HMAC-SHA1", ErrorCode.INVALID_AUTHORIZATION),
        ("content-type;host", "host", ErrorCode.INVALID_AUTHORIZATION),
        ("content-type;host", "content-type;host;host", ErrorCode.INVALID_AUTHORIZATION),
        ("content-type;host", "content-type;host;x-absent", ErrorCode.INVALID_AUTHORIZATION),
        ("content-type;host", "content-type;host;x-tc-action", ErrorCode.SIGNATURE_FAILURE),
        ("2019-02-25/cvm", "2019-02-26/cvm", ErrorCode.SIGNATURE_FAILURE),
        ("2019-02-25/cvm", "2019-02-25/ocr", ErrorCode.SIGNATURE_FAILURE),
        ("Signature=72", "Signature=73", ErrorCode.SIGNATURE_FAILURE),
        ("Signature=72", "Signature=7", ErrorCode.INVALID_AUTHORIZATION),
        (SPEC_ID, "unknown", ErrorCode.SECRET_ID_NOT_FOUND),
        (SPEC_ID, "", ErrorCode.INVALID_AUTHORIZATION),
    ],
)
def test_a_changed_authorization_is_refused(found: str, instead: str, expected: ErrorCode) -> None:
    authorization = SPEC_REQUEST.headers["authorization"].replace(found, instead)
    assert code_of(with_headers(SPEC_REQUEST, {"authorization": authorization}), SPEC_TIME) == expected


def test_the_names_of_signed_headers_may_be_in_capitals() -> None:
    authorization = SPEC_REQUEST.headers["authorization"].replace("content-type;host", "Content-Type;Host")
    assert authenticate(with_headers(SPEC_REQUEST, {"authorization": authorization}), SPEC_KEYS, SPEC_TIME, "cvm")


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (None, ErrorCode.MISSING_PARAMETER),
        ("soon", ErrorCode.INVALID_PARAMETER),
        ("-1", ErrorCode.INVALID_PARAMETER),
        ("9" * 40, ErrorCode.INVALID_PARAMETER),
        ("９", ErrorCode.INVALID_PARAMETER),
        ("0", ErrorCode.SIGNATURE_EXPIRE),
    ],
)
def test_a_missing_invalid_or_old_timestamp_is_refused(timestamp: str | None, expected: ErrorCode) -> None:
    assert code_of(with_headers(SPEC_REQUEST, {"x-tc-timestamp": timestamp}), SPEC_TIME) == expected


@pytest.mark.parametrize(("skew_s", "accepted"), [(-300, True), (300, True), (-301, False), (301, False)])
def test_a_clock_difference_of_five_minutes_is_allowed(skew_s: int, accepted: bool) -> None:
    for request, moment in ((SPEC_REQUEST, SPEC_TIME), (V1_REQUEST, V1_TIME)):
        if accepted:
            assert authenticate(request, SPEC_KEYS, moment + skew_s, "cvm") == SPEC_ID
        else:
            assert code_of(request, moment + skew_s) == ErrorCode.SIGNATURE_EXPIRE


def test_other_http_methods_are_refused() -> None:
    assert code_of(replace(SPEC_REQUEST, method="PUT"), SPEC_TIME) == ErrorCode.UNSUPPORTED_PROTOCOL


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Limit": "21"}, ErrorCode.SIGNATURE_FAILURE),
        ({"More": "1"}, ErrorCode.SIGNATURE_FAILURE),
        ({"Signature": ""}, ErrorCode.INVALID_AUTHORIZATION),
        ({"Signature": "京"}, ErrorCode.SIGNATURE_FAILURE),
        ({"SecretId": ""}, ErrorCode.MISSING_PARAMETER),
        ({"Nonce": ""}, ErrorCode.MISSING_PARAMETER),
        ({"Timestamp": ""}, ErrorCode.MISSING_PARAMETER),
        ({"SecretId": "unknown"}, ErrorCode.SECRET_ID_NOT_FOUND),
        ({"SignatureMethod": "HmacMD5"}, ErrorCode.INVALID_AUTHORIZATION),
        ({"SignatureMethod": "HmacSHA256"}, ErrorCode.SIGNATURE_FAILURE),
        ({"InstanceIds_0": "ins-other"}, ErrorCode.INVALID_PARAMETER),
    ],
)
def test_a_changed_v1_request_is_refused(changes: dict[str, str], expected: ErrorCode) -> None:
    query = urlencode({**dict(parse_qsl(V1_REQUEST.query)), **changes})
    assert code_of(replace(V1_REQUEST, query=query), V1_TIME) == expected


def test_a_v1_signature_is_bound_to_host_and_method() -> None:
    assert code_of(with_headers(V1_REQUEST, {"host": "elsewhere"}), V1_TIME) == ErrorCode.SIGNATURE_FAILURE
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = with_headers(replace(V1_REQUEST, method="POST", query="", body=V1_REQUEST.query.encode()), form)
    assert code_of(posted, V1_TIME) == ErrorCode.SIGNATURE_FAILURE


def test_a_form_is_parsed_completely_or_refused() -> None:
    assert form_parameters("") == {}
    assert form_parameters(b"a=1&b=%E4%BA%AC+A&c=") == {"a": "1", "b": "京 A", "c": ""}
    for broken in (
        "a",
        "a=1&a=2",
        "a=%ff",
        b"\xff=1",
        "&".join(f"p{n}=1" for n in range(65)),
        b"a=" + b"%41" * 600_001,
    ):
        with pytest.raises(ApiError) as caught:
            form_parameters(broken)
        assert caught.value.code == ErrorCode.INVALID_PARAMETER
    picture = "+/A=" * 40_000
    assert form_parameters(urlencode({"ImageBase64": picture})) == {"ImageBase64": picture}
    assert is_form("Application/X-WWW-Form-Urlencoded; charset=utf-8") and not is_form("application/json")


_texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from([SPEC_REQUEST.headers["authorization"], V1_REQUEST.query, str(SPEC_TIME), "UNSIGNED-PAYLOAD"]),
    st.from_regex(r"TC3-HMAC-SHA256 Credential=\S+/2019-02-25/cvm/tc3_request, SignedHeaders=.+, Signature=\w+"),
    st.builds(
        lambda pairs: urlencode(pairs), st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=5)
    ),
)
_names = st.sampled_from(
    ["authorization", "content-type", "host", "x-tc-timestamp", "x-tc-token", "x-tc-content-sha256"]
)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    query=_texts,
    changes=st.dictionaries(_names, st.none() | _texts, max_size=4),
    body=st.binary(max_size=60) | _texts.map(lambda text: text.encode(errors="replace")),
    base=st.sampled_from([SPEC_REQUEST, V1_REQUEST]),
    moment=st.sampled_from([SPEC_TIME, V1_TIME]),
)
def test_any_request_raises_only_api_errors(
    method: str, query: str, changes: dict[str, str | None], body: bytes, base: SignedRequest, moment: int
) -> None:
    request = replace(with_headers(base, changes), method=method, query=query, body=body)
    try:
        assert authenticate(request, SPEC_KEYS, moment, "cvm") == SPEC_ID
    except ApiError as error:
        assert error.code in set(ErrorCode)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 400), character=st.characters())
def test_one_changed_character_raises_only_api_errors(position: int, character: str) -> None:
    authorization = SPEC_REQUEST.headers["authorization"]
    position %= len(authorization)
    changed = authorization[:position] + character + authorization[position + 1 :]
    for request in (
        with_headers(SPEC_REQUEST, {"authorization": changed}),
        replace(V1_REQUEST, query=V1_REQUEST.query[:position] + character + V1_REQUEST.query[position + 1 :]),
    ):
        moment = SPEC_TIME if request.method == "POST" else V1_TIME
        try:
            authenticate(request, SPEC_KEYS, moment, "cvm")
        except ApiError as error:
            assert error.code in set(ErrorCode)


def test_the_recorded_request_has_its_port_and_both_signed_headers(
    send: Send, recording_server: RecordingServer
) -> None:
    """The tests above depend on it: the host has its port, and both headers are signed."""
    request = send("GET", "TC3-HMAC-SHA256")
    assert urlsplit(f"http://{request.headers['host']}").netloc == recording_server.endpoint
    assert "SignedHeaders=content-type;host" in request.headers["authorization"]
