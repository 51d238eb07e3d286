"""Sends a photo to a gate over MQTT 5 and prints the answer.

Run it with: python examples/request_over_mqtt.py BROKER PORT GATE PHOTO
"""

import base64
import json
import queue
import sys
import uuid
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

BROKER, PORT, GATE, PHOTO = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
ANSWER_TOPIC = f"parking/answers/{uuid.uuid4()}"
answers: queue.Queue[bytes] = queue.Queue()

# The gate sends the answer to this topic, with the correlation data of the request.
properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
properties.ResponseTopic = ANSWER_TOPIC
properties.CorrelationData = b"request 1"

client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.on_connect = lambda connected, *_: connected.subscribe(ANSWER_TOPIC, qos=1)
client.on_subscribe = lambda *_: answers.put(b"")
client.on_message = lambda _client, _userdata, message: answers.put(bytes(message.payload))
client.connect(BROKER, PORT)
client.loop_start()
answers.get(timeout=10)  # subscribed

request = {"ImageBase64": base64.b64encode(PHOTO.read_bytes()).decode()}
client.publish(f"edge-lpr/{GATE}/request/license-plate-ocr", json.dumps(request), qos=1, properties=properties)
response = json.loads(answers.get(timeout=30))["Response"]
print(response.get("Number", response.get("Error")))
client.disconnect()
client.loop_stop()
