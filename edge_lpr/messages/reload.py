"""The answer to ``reload``: which changed settings are in force."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ConfigDict

from edge_lpr.messages.answer import ErrorResponse
from edge_lpr.messages.base import Message, Text


class ReloadResponse(Message):
    """The names of the changed settings, such as passage.lane."""

    applied: tuple[Text, ...]
    """Settings that are in force now."""
    need_restart: tuple[Text, ...]
    """Settings that need a restart of the service."""
    request_id: Text


class ReloadAnswer(Message):
    """Which of the changed settings are applied and which wait for a restart; an error where they are refused."""

    model_config = ConfigDict(title="Answer to a request on <prefix>/<device>/request/reload")

    response: ReloadResponse | ErrorResponse


def reload_answer(applied: Sequence[str], need_restart: Sequence[str], request_id: str) -> ReloadAnswer:
    """Returns the answer with the names of the settings."""
    response = ReloadResponse(applied=tuple(applied), need_restart=tuple(need_restart), request_id=request_id)
    return ReloadAnswer(response=response)
