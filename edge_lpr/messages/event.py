"""The plate message: one passage, as the gate publishes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from edge_lpr.messages.answer import PlateResponse
from edge_lpr.messages.base import Message, Text, Timestamp
from edge_lpr.messages.encoding import encode, timestamp
from edge_lpr.passages import Crossing, Direction, Passage


class Match(Message):
    """A number of one of the site's lists."""

    list: Literal["known", "blocked"]
    number: Text
    distance: Literal[0, 1]
    """0: the same number. 1: one character is different, missing or extra."""


class KeptPictures(Message):
    """Where the gate keeps the pictures of a passage."""

    crop: Text
    """The plate."""
    frame: Text | None
    """The whole picture."""


class Event(Message):
    """What the gate reports about one passage."""

    sequence: Annotated[int, Field(ge=1)]
    """Counts the passages of this device from 1, without gaps, also across restarts."""
    device_id: Text
    camera_id: Text
    first_seen_at: Timestamp
    """The time of the vehicle's first frame. RFC 3339 with offset."""
    captured_at: Timestamp
    """The time of the frame that Rect is in. RFC 3339 with offset."""
    published_at: Timestamp
    """The time of this transmission. RFC 3339 with offset."""
    clock_synchronized: bool
    """False while no time service had set the clock: FirstSeenAt and CapturedAt may then be wrong."""
    frames: Annotated[int, Field(ge=1)]
    """The number of frames in the vote."""
    direction: Direction
    """Estimated from the change of the plate's size."""
    replayed: bool
    """True when the passage is older than the connection that carries it. It was made while the broker was away, or it
    was sent before and perhaps received. Do not open a gate for it."""
    crossing: Crossing | None = None
    """The direction over the line that passage.line draws; null without a line."""
    matches: tuple[Match, ...] = ()
    """Numbers of the lists in the settings that equal Number or differ from it in one character. Number itself is what
    was read."""
    evidence: KeptPictures | None = None
    """Where the gate keeps pictures of this passage, as evidence.keep says: paths below its evidence folder, or
    addresses where evidence.url is set. They are deleted after some time."""


class PlateMessage(Message):
    """QoS 1, never retained.

    A message may come more than once: RequestId and Sequence stay the same, so repeats can be dropped.
    """

    model_config = ConfigDict(title="One passage, on <prefix>/<device>/plate")

    response: PlateResponse
    event: Event


def plate_message(
    passage: Passage,
    *,
    request_id: str,
    sequence: int,
    device_id: str,
    camera_id: str,
    clock_synchronized: bool,
    published_at: datetime,
) -> PlateMessage:
    """Returns the message of a passage at its first transmission; ``with_transmission`` updates it for later ones."""
    kept = passage.evidence
    return PlateMessage(
        response=PlateResponse.of_plates([passage], request_id),
        event=Event(
            sequence=sequence,
            device_id=device_id,
            camera_id=camera_id,
            first_seen_at=passage.first_seen_at,
            captured_at=passage.captured_at,
            published_at=published_at,
            clock_synchronized=clock_synchronized,
            frames=passage.frames,
            direction=passage.direction,
            replayed=False,
            crossing=passage.crossing,
            matches=tuple(
                Match.model_validate({"List": match.list_name, "Number": match.number, "Distance": match.distance})
                for match in passage.matches
            ),
            evidence=None if kept is None else KeptPictures(crop=kept.crop, frame=kept.frame),
        ),
    )


def with_transmission(stored: str, published_at: datetime, *, replayed: bool, sequence: int | None = None) -> bytes:
    """Returns the payload of a stored plate message with ``PublishedAt`` and ``Replayed`` of this transmission.

    All else stays as it was stored: another version of this program may have written it. Raises ValueError, KeyError,
    TypeError or RecursionError for text that is no plate message, or with a ``sequence`` not the one with that number.
    """
    message: Mapping[str, Any] = json.loads(stored)
    event = message["Event"]
    if sequence is not None and (event["Sequence"] != sequence or not isinstance(message["Response"], dict)):
        raise ValueError(f"it is not the message of passage {sequence}")
    event = {**event, "PublishedAt": timestamp(published_at), "Replayed": replayed}
    return encode({**message, "Event": event})
