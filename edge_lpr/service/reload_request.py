"""The MQTT request ``reload``: its answer lists the settings that were applied and those that wait for a restart."""

from __future__ import annotations

import logging

import paho.mqtt.client as paho

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.mqtt_requests import check_topic, response_topic
from edge_lpr.config.reload import ReloadRequests, ReloadResult
from edge_lpr.messages.answer import ErrorAnswer, error_answer
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.messages.reload import ReloadAnswer, reload_answer
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import RELOAD, Topics

_log = logging.getLogger(__name__)


class ReloadRequestHandler:
    """Handles ``request/reload``. Make it before the connection starts."""

    def __init__(self, connection: MqttConnection, topics: Topics, requests: ReloadRequests) -> None:
        self._connection = connection
        self._topics = topics
        self._requests = requests
        connection.subscribe(topics.request(RELOAD), self._handle)

    def _handle(self, message: paho.MQTTMessage) -> None:
        """Passes the request on. Runs in the network thread. The payload is not used."""
        if message.retain:
            _log.warning("MQTT: a retained request on %s is ignored; publish requests without retain", RELOAD)
            return
        wanted, correlation = response_topic(message)
        topic = self._topics.response(RELOAD)
        if wanted is not None:
            try:
                check_topic(wanted, self._topics)
            except ApiError as error:
                refusal = error_answer(error.code, error.message, new_request_id())
                self._connection.publish_once(topic, refusal.encode(), correlation)
                return
            topic = wanted

        def answer_with(result: ReloadResult) -> None:
            self._connection.publish_once(topic, _answer(result).encode(), correlation)

        self._requests.request_reload(answer_with)


def _answer(result: ReloadResult) -> ReloadAnswer | ErrorAnswer:
    request_id = new_request_id()
    if result.error is not None:
        text = "; ".join((str(result.error), *result.error.faults))
        return error_answer(ErrorCode.INVALID_PARAMETER, text, request_id)
    return reload_answer(result.applied, result.needs_restart, request_id)
