"""Every request gets an answer that the SDK can parse. The short form; `make api-fuzz` is the long one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_lpr.api import openapi
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.vision.reader import PlateReader
from tests.fuzz import api_cases as fuzzing
from tests.support.api import SECRET_ID, SECRET_KEY, ServedApi, serve_api
from tests.support.mqtt import free_port

SHORT = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, reader: PlateReader) -> Iterator[httpx.Client]:
    api = ApiSettings(enabled=True, port=free_port(), requests_per_second=10_000)
    device = DeviceSettings(state_dir=tmp_path_factory.mktemp("state"))
    with serve_api(api, device, reader), httpx.Client(base_url=f"http://127.0.0.1:{api.port}") as client:
        yield client


@SHORT
@given(case=fuzzing.documented())
def test_requests_from_the_openapi_document(client: httpx.Client, case: schemathesis.Case[Any]) -> None:
    response = case.call(base_url=str(client.base_url))
    fuzzing.assert_is_an_answer(response.status_code, response.headers["content-type"][0], response.content)


@SHORT
@given(data=st.data())
def test_requests_outside_the_document(
    client: httpx.Client, data: st.DataObject, plate_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    fuzzing.send(client, data.draw(fuzzing.raw(plate_photo)))
    fuzzing.send(client, data.draw(fuzzing.pictures(plate_photo)))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture(scope="module")
def signing_client(api: ServedApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url) as client:
        yield client


@SHORT
@given(data=st.data())
def test_signed_requests(signing_client: httpx.Client, data: st.DataObject, plate_photo: bytes) -> None:
    for made in (data.draw(fuzzing.raw(plate_photo)), data.draw(fuzzing.documented())):
        request = fuzzing.sign(fuzzing.as_httpx(signing_client, made), SECRET_ID, SECRET_KEY)
        answer = signing_client.send(request)
        code = fuzzing.assert_is_an_answer(answer.status_code, answer.headers["content-type"], answer.content)
        assert code == "AuthFailure.TokenFailure" or not code.startswith("AuthFailure.")


def test_the_document_is_served_unchanged(client: httpx.Client) -> None:
    assert json.loads(client.get("/openapi.json").content) == openapi.document()
