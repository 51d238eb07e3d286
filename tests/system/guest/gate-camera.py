"""Shows the pictures of a folder to the vivid camera, one after the other: what is written to its output node comes out
of its capture node.

    gate-camera.py FOLDER SECONDS      each *.raw file, 1280 x 720 BGR, is shown for so many seconds
"""

import itertools
import subprocess
import sys
import time
from pathlib import Path

WIDTH, HEIGHT = 1280, 720
BUFFERS = 4


def node(name: str) -> str:
    """The device node of the card called ``name``."""
    for entry in Path("/sys/class/video4linux").glob("video*"):
        if (entry / "name").read_text().strip() == name:
            return f"/dev/{entry.name}"
    sys.exit(f"there is no {name}")


def control(device: str, *options: str) -> None:
    subprocess.run(["v4l2-ctl", "-d", device, *options], check=True)


# What is written comes out of the capture node only where the two are connected, have the same timings and the same
# form of pixels; OpenCV asks for BGR. These are CEA-861's for 24 pictures a second, the least that there is in this
# size: an emulated processor has little to give.
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
# vivid shows the picture that came last until another comes. v4l2-ctl begins when it has one for each buffer.
# It tells its pace every second, which would fill the journal.
writer = ["v4l2-ctl", "-d", output, f"--stream-out-mmap={BUFFERS}", "--stream-from=-"]
with subprocess.Popen(
    writer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0
) as shown:
    assert shown.stdin is not None
    shown.stdin.write(pictures[0] * BUFFERS)
    for picture in itertools.cycle(pictures):
        shown.stdin.write(picture)
        time.sleep(show_s)
