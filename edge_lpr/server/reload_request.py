"""The MQTT request ``reload``: its answer lists the settings that were applied and those that wait for a restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import paho.mqtt.client as paho

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.mqtt_requests import correlation_data, reply_topic
from edge_lpr.config.reload import ReloadCallback, ReloadResult
from edge_lpr.messages.answer import ErrorAnswer, error_answer
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.messages.reload import ReloadAnswer, reload_answer
from edge_lpr.mqtt.answers import Answers
from edge_lpr.mqtt.topics import RELOAD

RequestReload = Callable[[ReloadCallback], None]
"""Requests a reload of the settings; the callback receives its result."""

_log = logging.getLogger(__name__)


MAX_WAITING = 20
"""Requests that may wait for a reload; the gate does one in a second, which serves all that wait."""


class ReloadRequestHandler:
    """Handles ``request/reload``. Make it before the connection starts."""

    def __init__(self, answers: Answers, request_reload: RequestReload) -> None:
        self._answers = answers
        self._request_reload = request_reload
        self._waiting = 0
        self._lock = threading.Lock()
        answers.connection.subscribe(answers.topics.request(RELOAD), self._handle)

    def _handle(self, message: paho.MQTTMessage) -> None:
        """Passes the request on. Runs in the network thread. The payload is not used."""
        if message.retain:
            _log.warning("MQTT: a retained request on %s is ignored; publish requests without retain", RELOAD)
            return
        correlation = correlation_data(message)
        try:
            topic = reply_topic(message, RELOAD, self._answers)
            self._admit()
        except ApiError as error:
            refusal = error_answer(error.code, error.message, new_request_id())
            self._answers.publish(self._answers.topics.response(RELOAD), refusal.encode(), correlation)
            return

        def answer_with(result: ReloadResult) -> None:
            with self._lock:
                self._waiting -= 1
            self._answers.publish(topic, _answer(result).encode(), correlation)

        self._request_reload(answer_with)

    def _admit(self) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many reloads wait; ask again in a moment.")
            self._waiting += 1


def _answer(result: ReloadResult) -> ReloadAnswer | ErrorAnswer:
    request_id = new_request_id()
    if result.error is not None:
        text = "; ".join((str(result.error), *result.error.faults))
        return error_answer(ErrorCode.INVALID_PARAMETER, text, request_id)
    return reload_answer(result.applied, result.needs_restart, request_id)
