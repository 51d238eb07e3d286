"""Runs commands of the host: one JSON line in, one JSON line out, over a virtio port of the emulator."""

import json
import subprocess
import time

PORT = "/dev/virtio-ports/gate.agent"

with open(PORT, "r+b", buffering=0) as port:
    waiting = b""
    while True:
        received = port.read(65536)
        if not received:  # no client on the host; the port then returns at once
            time.sleep(0.5)
            continue
        waiting += received
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            request = json.loads(line)
            done = subprocess.run(
                ["bash", "-c", request["command"]],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            answer = {"id": request["id"], "code": done.returncode, "output": done.stdout.decode(errors="replace")}
            port.write(json.dumps(answer).encode() + b"\n")
