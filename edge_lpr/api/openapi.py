"""The API over HTTP as an OpenAPI 3.1 document, with the schemas that are generated from the messages."""

from __future__ import annotations

import json
from typing import Any

from edge_lpr import __version__
from edge_lpr.api.errors import ErrorCode
from edge_lpr.api.image_download import MAX_URL_LENGTH
from edge_lpr.api.license_plate_ocr import ACTION, MAX_BASE64, VERSION
from edge_lpr.messages.schemas import load_schema

_COMPONENTS = "#/components/schemas/"


def document() -> dict[str, Any]:
    """Returns a new document."""
    definitions, answer = _split(load_schema("response"))
    error_definitions, error = _split(load_schema("error"))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LicensePlateOCR on the device",
            "version": __version__,
            "description": f"Tencent Cloud's {ACTION}, version {VERSION}. The answer is HTTP 200 also for an error.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/": {
                "post": _operation(
                    "recognizePost",
                    parameters=_headers(),
                    requestBody={
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}Request"}}},
                    },
                ),
                "get": _operation("recognizeGet", parameters=[*_headers(), *_query()]),
            },
            "/healthz": {"get": {"operationId": "health", "responses": _health_responses()}},
            "/metrics": {"get": {"operationId": "metrics", "responses": {"200": _text("Series for Prometheus")}}},
        },
        "components": {
            "schemas": {
                **definitions,
                **error_definitions,
                "Request": _request(),
                "Answer": answer,
                "ErrorAnswer": error,
                "Code": _codes(),
            },
            "securitySchemes": {
                "TC3-HMAC-SHA256": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Signature v3. The device itself needs none where no keys are configured.",
                }
            },
        },
        "security": [{"TC3-HMAC-SHA256": []}, {}],
    }


def _operation(operation_id: str, **more: Any) -> dict[str, Any]:
    schema = {"oneOf": [{"$ref": f"{_COMPONENTS}Answer"}, {"$ref": f"{_COMPONENTS}ErrorAnswer"}]}
    answer = {"description": "The plates, or an error", "content": {"application/json": {"schema": schema}}}
    return {"operationId": operation_id, "summary": ACTION, **more, "responses": {"200": answer}}


def _request() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "ImageUrl is used where both are given.",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "ImageBase64": {"type": ["string", "null"], "maxLength": MAX_BASE64, "description": "PNG or JPEG"},
            "ImageUrl": {"type": ["string", "null"], "maxLength": MAX_URL_LENGTH, "description": "http or https"},
        },
    }


def _headers() -> list[dict[str, Any]]:
    return [
        _parameter("header", "X-TC-Action", {"const": ACTION}, required=True),
        _parameter("header", "X-TC-Version", {"const": VERSION}, required=True),
        _parameter("header", "X-TC-Timestamp", {"type": "integer", "minimum": 0}),
        _parameter("header", "X-TC-Region", {"type": "string"}),
    ]


def _query() -> list[dict[str, Any]]:
    return [_parameter("query", name, {"type": "string"}) for name in ("ImageUrl", "ImageBase64")]


def _parameter(place: str, name: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"in": place, "name": name, "required": required, "schema": schema}


def _codes() -> dict[str, Any]:
    return {"type": "string", "enum": [code.value for code in ErrorCode]}


def _health_responses() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object", "required": ["Status"]}}}
    return {
        "200": {"description": "The gate works", "content": content},
        "503": {"description": "The frame loop stands still, or the camera has failed", "content": content},
    }


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _split(schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the definitions of a schema, and the schema without them; references lead into the document."""
    moved = json.loads(json.dumps(schema).replace('"#/$defs/', f'"{_COMPONENTS}'))
    definitions = moved.pop("$defs", {})
    return definitions, {name: value for name, value in moved.items() if not name.startswith("$")}
