"""Requests over MQTT. They describe the contract; ``edge_lpr.api`` checks requests, with the API's error codes."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema

from edge_lpr.messages.base import Message, without_default

_Base64 = Annotated[str | None, WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 1})]
_Url = Annotated[str | None, WithJsonSchema({"type": "string", "format": "uri"})]


class LicensePlateOcrRequest(Message):
    """QoS 1, never retained. The body of LicensePlateOCR. ImageUrl is used where both are given."""

    model_config = ConfigDict(
        title="A request on <prefix>/<device>/request/license-plate-ocr", json_schema_extra={"minProperties": 1}
    )

    image_base64: Annotated[_Base64, Field(json_schema_extra=without_default)] = None
    """A PNG, JPEG or BMP picture, at most 10 MB in Base64."""
    image_url: Annotated[_Url, Field(json_schema_extra=without_default)] = None
    """An http or https address that the gate may reach."""


class CaptureRequest(Message):
    """QoS 1, never retained. An empty payload means the same as {}."""

    model_config = ConfigDict(title="A request on <prefix>/<device>/request/capture")

    with_image: bool = False
    """True asks for the camera's picture too."""
