"""The MQTT request ``reload``: its answer lists the settings that were applied and those that wait for a restart."""

from __future__ import annotations

import logging

import paho.mqtt.client as paho

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.mqtt_requests import check_topic, response_topic
from edge_lpr.config.reload import ReloadRequests, ReloadResult
from edge_lpr.messages import payloads as messages
from edge_lpr.messages.payloads import JsonObject
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
                refusal = messages.error_response(error.code, error.message, messages.new_request_id())
                self._connection.publish_once(topic, messages.encode(refusal), correlation)
                return
            topic = wanted

        def answer_with(result: ReloadResult) -> None:
            self._connection.publish_once(topic, messages.encode(_answer(result)), correlation)

        self._requests.request_reload(answer_with)


def _answer(result: ReloadResult) -> JsonObject:
    request_id = messages.new_request_id()
    if result.error is not None:
        text = "; ".join((str(result.error), *result.error.faults))
        return messages.error_response(ErrorCode.INVALID_PARAMETER, text, request_id)
    told = {"Applied": list(result.applied), "NeedRestart": list(result.needs_restart)}
    return {"Response": {**told, "RequestId": request_id}}
