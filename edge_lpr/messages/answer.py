"""Answers in the shape of Tencent Cloud's ``LicensePlateOCR``: the plates of one picture, or an error.

Source: Tencent Cloud OCR, LicensePlateOCR, version 2018-11-19.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field

from edge_lpr.messages.base import Count, Message, Text
from edge_lpr.passages import Passage
from edge_lpr.plates import Category, Color
from edge_lpr.readings import PlateReading

NO_PLATE_CODE = "FailedOperation.OcrFailed"
"""``Error.Code`` for a picture without a readable plate: the best match among the codes that the API documents."""

Number = Annotated[str, Field(min_length=1, max_length=12)]
Confidence = Annotated[int, Field(ge=0, le=100)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class Rect(Message):
    """A rectangle in pixels of the original frame, from its top-left corner."""

    x: Count
    y: Count
    width: Count
    height: Count


class PlateInfo(Message):
    """One plate."""

    number: Number
    """The number as on the plate, without separators."""
    confidence: Confidence
    """Calibrated: of plates with 90, nine in ten are right."""
    color: Color
    rect: Rect
    license_plate_category: Category

    @classmethod
    def of(cls, plate: PlateReading | Passage) -> PlateInfo:
        """Returns what a message says of one plate."""
        rect = Rect(x=plate.rect.x, y=plate.rect.y, width=plate.rect.width, height=plate.rect.height)
        return cls(
            number=plate.number,
            confidence=plate.confidence,
            color=plate.color,
            rect=rect,
            license_plate_category=plate.category,
        )


class PlateResponse(PlateInfo):
    """All plates of a picture. The first fields repeat the first plate."""

    license_plate_infos: Annotated[tuple[PlateInfo, ...], Field(min_length=1)]
    """All plates, the best one first."""
    request_id: Uuid
    """The same in every transmission of one passage."""

    @classmethod
    def of_plates(cls, plates: Sequence[PlateReading | Passage], request_id: str) -> PlateResponse:
        """Returns the response for ``plates``, best first, at least one."""
        infos = tuple(PlateInfo.of(plate) for plate in plates)
        return cls(**dict(infos[0]), license_plate_infos=infos, request_id=request_id)


class ErrorDetail(Message):
    """Why a request failed."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*(\.[A-Z][A-Za-z]*)?$")]
    """A code that the API documents, such as FailedOperation.ImageDecodeFailed."""
    message: Text
    """One line for a person."""


class ErrorResponse(Message):
    """The response to a request that failed."""

    error: ErrorDetail
    request_id: Text


class PlateAnswer(Message):
    """The shape of Tencent Cloud's LicensePlateOCR, version 2018-11-19. The first fields repeat the first plate."""

    model_config = ConfigDict(title="Answer of LicensePlateOCR")

    response: PlateResponse


class ErrorAnswer(Message):
    """The answer to a request that failed."""

    model_config = ConfigDict(title="Error answer of LicensePlateOCR")

    response: ErrorResponse


Answer = PlateAnswer | ErrorAnswer


def plate_answer(plates: Sequence[PlateReading], request_id: str) -> Answer:
    """Returns the answer for one picture; ``plates`` come best first. Without plates it is an error answer."""
    if not plates:
        return error_answer(NO_PLATE_CODE, "No license plate was found in the picture.", request_id)
    return PlateAnswer(response=PlateResponse.of_plates(plates, request_id))


def error_answer(code: str, message: str, request_id: str) -> ErrorAnswer:
    """Returns the error answer with this ``Error.Code`` and ``Error.Message``."""
    return ErrorAnswer(response=ErrorResponse(error=ErrorDetail(code=code, message=message), request_id=request_id))


def error_code(response: PlateResponse | ErrorResponse) -> str | None:
    """Returns the ``Error.Code`` of a response; None where the request succeeded."""
    return response.error.code if isinstance(response, ErrorResponse) else None
