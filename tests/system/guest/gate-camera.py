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
# form of pixels; OpenCV asks for BGR. These are CVT's, with reduced blanking, at the slowest pixel clock of vivid:
# 14 pictures a second. An emulated processor has little to give.
TIMINGS = (
    f"--set-dv-bt-timings=width={WIDTH},height={HEIGHT},pixelclock=14280000,polarities=2,"
    "hfp=8,hs=32,hbp=40,vfp=1,vs=8,vbp=6"
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
