"""Prints each passage of all gates once, and whether the barrier should open.

Run it with: python examples/subscribe.py BROKER PORT
"""

import json
import sys
from collections import deque
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

BROKER, PORT = sys.argv[1], int(sys.argv[2])
seen: deque[str] = deque(maxlen=500)


def on_connect(client: mqtt.Client, *_: Any) -> None:
    client.subscribe("edge-lpr/+/plate", qos=1)


def on_message(_client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
    passage = json.loads(message.payload)
    plate, event = passage["Response"], passage["Event"]
    if plate["RequestId"] in seen:
        return  # sent again after a lost connection
    seen.append(plate["RequestId"])
    known = any(match["List"] == "known" and match["Distance"] == 0 for match in event["Matches"])
    blocked = any(match["List"] == "blocked" for match in event["Matches"])
    opens = known and not blocked and not event["Replayed"] and event["Crossing"] != "out"
    print(event["DeviceId"], plate["Number"], plate["Confidence"], "open" if opens else "wait", flush=True)


# With a fixed client id and clean_session=False the broker keeps messages while this program is away.
client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="parking", protocol=mqtt.MQTTv311, clean_session=False)
client.on_connect = on_connect
client.on_message = on_message
client.connect(BROKER, PORT)
client.loop_forever()
