"""The answer to ``capture``: the plates that the camera sees now, and its picture on request."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, WithJsonSchema, model_serializer

from edge_lpr.messages.answer import ErrorResponse, PlateResponse
from edge_lpr.messages.base import Message, without_default
from edge_lpr.messages.encoding import JsonObject

JpegBase64 = Annotated[
    str | None,
    WithJsonSchema(
        {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "image/jpeg",
            "pattern": "^[A-Za-z0-9+/]+={0,2}$",
        }
    ),
]


class CaptureAnswer(Message):
    """What the camera sees now, in the shape of LicensePlateOCR; an error where it sees no plate."""

    model_config = ConfigDict(title="Answer to a request on <prefix>/<device>/request/capture")

    response: PlateResponse | ErrorResponse
    image: Annotated[JpegBase64, Field(json_schema_extra=without_default)] = None
    """The camera's picture, which Rect refers to, as JPEG in Base64. Only where the request says {"WithImage": true},
    also beside the error that there is no plate."""

    @model_serializer(mode="wrap")
    def _without_absent_image(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        content: JsonObject = serialize(self)
        return {name: value for name, value in content.items() if value is not None}
