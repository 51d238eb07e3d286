"""Requests over HTTP that bring about each answer of the API, with frames of the repository's own demo clip."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray

from tests.fuzz.api_cases import HEADERS, sign

CLIP = Path(__file__).resolve().parents[2] / "models" / "demo" / "demo.mp4"
PLATE_FRAMES = (48, 108)
"""Frames of the demo clip with one plate each."""
EMPTY_FRAME = 0
"""A frame of the demo clip without a plate."""

KEYS: dict[str, str | dict[str, object]] = {
    "AKIDopen": "key-of-the-open-account",
    "AKIDdebtor": {"key": "key-of-the-debtor", "in_arrears": True},
    "AKIDspent": {"key": "key-of-the-spent-account", "quota": 0},
    "AKIDcounted": {"key": "key-of-the-counted-account", "quota": 5},
}
"""The content of the keys file."""

Image = NDArray[np.uint8]


def unsigned_requests(http: httpx.Client) -> Iterator[tuple[str, httpx.Request]]:
    """Yields requests that need no key, named after the code of their answer."""

    def post(body: object = None, headers: Mapping[str, str] = HEADERS, **more: Any) -> httpx.Request:
        return http.build_request("POST", "/", headers=headers, **({"json": body} if body is not None else more))

    yield "Success", post({"ImageBase64": as_base64(frame_of_clip(PLATE_FRAMES[0]))})
    yield "Success, two plates", post({"ImageBase64": as_base64(two_plates())})
    yield "OcrFailed", post({"ImageBase64": as_base64(frame_of_clip(EMPTY_FRAME))})
    yield "DownLoadError", post({"ImageUrl": "http://127.0.0.1:1/a.jpg"})
    yield "DownLoadError, GET", http.build_request("GET", "/", headers=HEADERS, params={"ImageUrl": "http://10.0.0.1/"})
    yield "ImageDecodeFailed", post({"ImageBase64": base64.b64encode(b"no picture").decode()})
    yield "InvalidParameterValueLimit, Base64", post({"ImageBase64": "?"})
    yield "InvalidParameterValueLimit, empty", post({"ImageUrl": ""})
    yield "InvalidParameterValueLimit, URL", post({"ImageUrl": "ftp://127.0.0.1/a.jpg"})
    yield "TooLargeFileError", post({"ImageBase64": "A" * (10 * 1024 * 1024 + 4)})
    yield "TooLargeFileError, pixels", post({"ImageBase64": as_base64(np.zeros((5000, 5001, 3), np.uint8))})
    yield "InvalidAction", post({}, {**HEADERS, "X-TC-Action": "IDCardOCR"})
    yield "NoSuchVersion", post({}, {**HEADERS, "X-TC-Version": "2017-03-12"})
    yield "MissingParameter", post({})
    yield "MissingParameter, action", post({}, {})
    yield "MissingParameter, version", post({}, {"X-TC-Action": "LicensePlateOCR"})
    yield "InvalidParameter", post({"ImageUrl": 1})
    yield "InvalidParameter, no object", post([1])
    json_headers = {**HEADERS, "Content-Type": "application/json"}
    yield "InvalidParameter, no JSON", post(headers=json_headers, content=b"{")
    yield "InvalidParameter, twice", post(headers=json_headers, content=b'{"ImageUrl":"","ImageUrl":""}')
    yield "InvalidParameter, content type", post(headers={**HEADERS, "Content-Type": "text/plain"}, content=b"{}")
    yield "UnknownParameter", post({"Picture": ""})
    yield "UnsupportedProtocol", http.build_request("PUT", "/", headers=HEADERS)
    yield "RequestSizeLimitExceeded", post(headers=json_headers, content=b" " * (12 * 1024 * 1024 + 1))
    yield "InvalidAuthorization, host", post({}, {**HEADERS, "Host": "gate.example"})
    yield "InvalidAuthorization, origin", post({}, {**HEADERS, "Origin": "http://site.example"})


def signed_requests(http: httpx.Client) -> Iterator[tuple[str, httpx.Request]]:
    """Yields requests with right and wrong signatures, named after the code of their answer."""
    yield "UnOpenError", signed_request(http, "AKIDopen")
    yield "InArrears", signed_request(http, "AKIDdebtor")
    yield "ResourcePackageRunOut", signed_request(http, "AKIDspent")
    yield "ChargeStatusException", signed_request(http, "AKIDcounted")
    yield "InvalidAuthorization, none", http.build_request("POST", "/", headers=HEADERS, json={})
    wrong_form = {**HEADERS, "Authorization": "Bearer x"}
    yield "InvalidAuthorization", http.build_request("POST", "/", headers=wrong_form, json={})
    yield "SecretIdNotFound", signed_request(http, "AKIDopen", secret_id="AKIDnobody")
    yield "SignatureFailure", signed_request(http, "AKIDopen", key="wrong")
    expired = signed_request(http, "AKIDopen")
    expired.headers["X-TC-Timestamp"] = "1700000000"
    yield "SignatureExpire", expired
    with_token = signed_request(http, "AKIDopen")
    with_token.headers["X-TC-Token"] = "token"
    yield "TokenFailure", with_token


def signed_request(
    http: httpx.Client, account: str, *, secret_id: str | None = None, key: str | None = None
) -> httpx.Request:
    """Returns a request that ``account`` signs; ``secret_id`` and ``key`` replace the right ones."""
    entry = KEYS[account]
    right = entry if isinstance(entry, str) else str(entry["key"])
    request = http.build_request("POST", "/", headers=HEADERS, json={"ImageUrl": "http://127.0.0.1:1/a.jpg"})
    return sign(request, secret_id or account, key or right)


@cache
def frame_of_clip(number: int) -> Image:
    """Returns one frame of the demo clip, uint8 of shape (540, 960, 3), BGR."""
    clip = cv2.VideoCapture(str(CLIP))
    for _ in range(number + 1):
        more, frame = clip.read()
        assert more, f"the demo clip has no frame {number}"
    return frame.astype(np.uint8)


def two_plates() -> Image:
    """Returns two frames with a plate each, side by side."""
    return np.hstack([frame_of_clip(number) for number in PLATE_FRAMES])


def as_png(image: Image) -> bytes:
    """Returns the picture as the bytes of a PNG file."""
    return bytes(cv2.imencode(".png", image)[1])


def as_base64(image: Image) -> str:
    """Returns the picture as PNG in Base64."""
    return base64.b64encode(as_png(image)).decode()
