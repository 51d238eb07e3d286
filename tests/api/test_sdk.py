"""The official SDK works with the device as with the cloud: answers with every field, over HTTP and HTTPS."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.retry import StandardRetryer
from tencentcloud.ocr.v20181119.models import LicensePlateOCRRequest, LicensePlateOCRResponse
from tencentcloud.ocr.v20181119.ocr_client import OcrClient

from edge_lpr.messages.schemas import load_schema
from tests.support.api import FileServer, ServedApi, StartApi


def recognize(client: OcrClient, **parameters: str) -> LicensePlateOCRResponse:
    request = LicensePlateOCRRequest()
    for name, value in parameters.items():
        setattr(request, name, value)
    return client.LicensePlateOCR(request)


def assert_complete(answer: LicensePlateOCRResponse) -> None:
    """Asserts that every field of every model is set, and that the answer follows our schema."""
    tree = json.loads(answer.to_json_string())
    Draft202012Validator(load_schema("response")).validate({"Response": tree})
    assert {**tree["LicensePlateInfos"][0], "RequestId": tree["RequestId"]} == {
        name: value for name, value in tree.items() if name != "LicensePlateInfos"
    }
    assert str(UUID(answer.RequestId)) == answer.RequestId


@pytest.mark.parametrize("method", ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"])
def test_a_picture_in_base64_is_read_with_every_signature_method(
    api: ServedApi, plate_base64: str, method: str
) -> None:
    assert_complete(recognize(api.client(signMethod=method), ImageBase64=plate_base64))


def test_a_picture_is_read_with_an_unsigned_body(api: ServedApi, plate_base64: str) -> None:
    client = api.client()
    client.profile.unsignedPayload = True
    assert_complete(recognize(client, ImageBase64=plate_base64))


@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA256"])
def test_a_picture_at_a_url_is_read_with_get(
    api: ServedApi, file_server: FileServer, plate_photo: bytes, sign_method: str
) -> None:
    file_server.files["/car.jpg"] = plate_photo
    client = api.client(method="GET", signMethod=sign_method)
    assert_complete(recognize(client, ImageUrl=file_server.url("/car.jpg")))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_base64_and_url_give_the_same_answer_over_http_and_https(
    start_api: StartApi, file_server: FileServer, certificates: Path, plate_photo: bytes, plate_base64: str, scheme: str
) -> None:
    file_server.files["/car.jpg"] = plate_photo
    tls = {"tls_cert_file": certificates / "server.pem", "tls_key_file": certificates / "server.key"}
    api = start_api(allow_hosts=["127.0.0.1"], **(tls if scheme == "https" else {}))
    assert api.url.startswith(f"{scheme}://")
    client = api.client(ca_file=certificates / "ca.pem")
    by_base64 = recognize(client, ImageBase64=plate_base64)
    by_url = recognize(client, ImageUrl=file_server.url("/car.jpg"))
    by_both = recognize(client, ImageUrl=file_server.url("/car.jpg"), ImageBase64="only the URL counts")
    for answer in (by_base64, by_url, by_both):
        assert_complete(answer)
        answer.RequestId = None
    assert by_base64.to_json_string() == by_url.to_json_string() == by_both.to_json_string()
    with pytest.raises(TencentCloudSDKException) as caught:
        recognize(client, ImageBase64="AAAA")
    assert caught.value.get_code() == "FailedOperation.ImageDecodeFailed"
    assert str(UUID(caught.value.get_request_id())) == caught.value.get_request_id()


def test_a_client_that_does_not_trust_the_certificate_refuses_it(
    start_api: StartApi, certificates: Path, plate_base64: str
) -> None:
    api = start_api(tls_cert_file=certificates / "server.pem", tls_key_file=certificates / "server.key")
    with pytest.raises(TencentCloudSDKException, match="CERTIFICATE_VERIFY_FAILED"):
        recognize(api.client(), ImageBase64=plate_base64)


def test_without_keys_a_client_on_the_device_is_answered(start_api: StartApi, plate_base64: str) -> None:
    assert_complete(recognize(start_api(keys_file=None).client(), ImageBase64=plate_base64))


class Retryer(StandardRetryer):  # type: ignore[misc]  # the SDK has no types
    """The SDK's retry option without an error of its release 3.1.195.

    That release keeps the error of the first attempt, and raises it although a later attempt was answered.
    """

    def send_request(self, fn: Callable[[], Any]) -> Any:
        for attempt in range(self._max_attempts - 1):
            try:
                return fn()
            except TencentCloudSDKException as error:
                if not self.should_retry(None, error):
                    raise
                self.on_retry(attempt, 0, None, error)
                threading.Event().wait(self._backoff_fn(attempt))
        return fn()


def test_a_client_with_retries_recovers_from_request_limit_exceeded(start_api: StartApi, plate_base64: str) -> None:
    retried: list[str] = []

    class RecordingRetryer(Retryer):
        def on_retry(self, n: int, sleep: float, resp: object, err: TencentCloudSDKException) -> None:
            retried.append(err.get_code())

    client = start_api(requests_per_second=1).client(retryer=RecordingRetryer(max_attempts=5, backoff_fn=lambda _: 0.6))
    for _ in range(4):
        if retried:
            break
        assert_complete(recognize(client, ImageBase64=plate_base64))
    assert set(retried) == {"RequestLimitExceeded"}
