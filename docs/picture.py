"""Draws docs/demo.jpg: frames of the demo clip with their plates, above the passages that the MQTT client received.

    .venv/bin/python docs/picture.py

after ``make demo``. Needs a Chinese font: on Debian, apt-get install fonts-noto-cjk.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edge_lpr.config import ReaderSettings
from edge_lpr.readings import PlateReading
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader

FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
MONO_FACE = 5
"""Index of the monospaced Simplified Chinese font in the collection."""
WIDTH = 640
INK, PAPER, ACCENT = (226, 232, 240), (15, 23, 42), (74, 222, 128)


def best_frames(reader: PlateReader) -> list[tuple[NDArray[np.uint8], PlateReading]]:
    """Returns, for each number in the clip, the frame in which its plate is largest, and the reading."""
    capture = cv2.VideoCapture(str(demo_clip()))
    best: dict[str, tuple[NDArray[np.uint8], PlateReading]] = {}
    while True:
        more, frame = capture.read()
        if not more:
            break
        image = np.asarray(frame, np.uint8)
        for reading in reader.read(image):
            held = best.get(reading.number)
            if reading.confidence >= 90 and (held is None or reading.rect.width > held[1].rect.width):
                best[reading.number] = (image, reading)
    return list(best.values())


def annotated(image: NDArray[np.uint8], reading: PlateReading) -> Image.Image:
    """Returns the frame with the outline of the plate and the text that was read."""
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    draw = ImageDraw.Draw(picture)
    corners = [tuple(point) for point in reading.quad.to_array().tolist()]
    draw.line([*corners, corners[0]], fill=ACCENT, width=4)
    font = ImageFont.truetype(FONT, 34, index=MONO_FACE)
    x, y = min(c[0] for c in corners), min(c[1] for c in corners) - 56
    text = f"{reading.number} {reading.color} {reading.confidence}"
    draw.rectangle(draw.textbbox((x, y), text, font=font, anchor="la"), fill=PAPER)
    draw.text((x, y), text, font=font, fill=ACCENT)
    return picture.resize((WIDTH, WIDTH * picture.height // picture.width), Image.Resampling.LANCZOS)


def main() -> None:
    """Runs the demo, draws its frames and its output, and writes the picture beside this script."""
    shown = subprocess.run([sys.executable, "-m", "edge_lpr.cli", "demo"], capture_output=True, text=True, check=True)
    lines = shown.stdout.split("\n\n")[1].splitlines()
    seen = best_frames(PlateReader.open(ReaderSettings()))
    frames = [annotated(image, reading) for image, reading in seen if reading.number in shown.stdout][:4]
    height = frames[0].height
    font = ImageFont.truetype(FONT, 22, index=MONO_FACE)
    panel = 44 + 34 * (len(lines) + 1)
    sheet = Image.new("RGB", (2 * WIDTH, 2 * height + panel), PAPER)
    for i, frame in enumerate(frames):
        sheet.paste(frame, ((i % 2) * WIDTH, (i // 2) * height))
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(["$ edge-lpr demo", *lines]):
        draw.text((28, 2 * height + 22 + 34 * row), line, font=font, fill=INK if row else ACCENT)
    out = Path(__file__).with_name("demo.jpg")
    sheet.save(out, quality=88)
    print(f"wrote {out} ({out.stat().st_size / 1024:.0f} KiB)")


if __name__ == "__main__":
    main()
