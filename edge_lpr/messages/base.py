"""The base of all messages, and the field types that several messages share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_pascal

from edge_lpr.messages.encoding import JsonObject, encode, timestamp


class Message(BaseModel):
    """A payload or a part of one. Its JSON has the names of the fields in PascalCase, in the order of the fields.

    The docstrings of a model and of its fields are the descriptions in the JSON Schema, so they address subscribers.
    A field with a default was added after the first release: messages of older versions lack it.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_pascal,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    def to_json(self) -> JsonObject:
        """Returns the message as a JSON object."""
        return self.model_dump(mode="json", by_alias=True)

    def encode(self) -> bytes:
        """Returns the message as it is sent: JSON in UTF-8 on one line."""
        return encode(self.to_json())


def without_default(schema: JsonObject) -> None:
    """Removes the default from the schema of a field that the JSON lacks where the value is None."""
    schema.pop("default")


Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]

Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(timestamp, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(Z|[+-]\d{2}:\d{2})$",
        }
    ),
]
"""A time with its UTC offset; RFC 3339 with milliseconds in the JSON."""
