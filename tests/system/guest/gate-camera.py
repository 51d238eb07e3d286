"""Shows the pictures of a folder on the vivid camera, one after the other.

Pictures that are written to vivid's output node come out of its capture node.

    gate-camera.py FOLDER SECONDS      shows each *.raw file, 1280 x 720 BGR, for so many seconds
"""

import itertools
import subprocess
import sys
import time
from pathlib import Path

WIDTH, HEIGHT = 1280, 720
BUFFERS = 4


def node(name: str) -> str:
    """Returns the device node of the card ``name``."""
    for entry in Path("/sys/class/video4linux").glob("video*"):
        if (entry / "name").read_text().strip() == name:
            return f"/dev/{entry.name}"
    sys.exit(f"there is no {name}")


def control(device: str, *options: str) -> None:
    subprocess.run(["v4l2-ctl", "-d", device, *options], check=True)


# Both nodes must be connected and have the same timings and pixel format; OpenCV uses BGR. The timings are those of
# CEA-861 for 24 pictures per second, the lowest rate for this size, because an emulated processor is slow.
TIMINGS = (
    f"--set-dv-bt-timings=width={WIDTH},height={HEIGHT},pixelclock=59400000,polarities=3,"
    "hfp=1760,hs=40,hbp=220,vfp=5,vs=5,vbp=20"
)
TO_THE_OUTPUT = "--set-ctrl=hdmi_000_0_is_connected_to=2"

pictures = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.raw"))]
show_s = float(sys.argv[2])
capture, output = node("vivid-000-vid-cap"), node("vivid-000-vid-out")
control(output, TIMINGS, f"--set-fmt-video-out=width={WIDTH},height={HEIGHT},pixelformat=BGR3")
control(capture, TO_THE_OUTPUT, TIMINGS)
# vivid repeats the last picture until the next one. v4l2-ctl starts when it has one for each buffer. It prints its
# frame rate every second, which would fill the journal.
writer = ["v4l2-ctl", "-d", output, f"--stream-out-mmap={BUFFERS}", "--stream-from=-"]
with subprocess.Popen(
    writer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0
) as shown:
    assert shown.stdin is not None
    shown.stdin.write(pictures[0] * BUFFERS)
    for picture in itertools.cycle(pictures):
        shown.stdin.write(picture)
        time.sleep(show_s)
