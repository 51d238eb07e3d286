"""Draws docs/architecture.svg: the path of a frame from left to right, the path of a request from right to left.

    .venv/bin/python docs/architecture_drawing.py

Plain SVG, written without a library. A test compares the file with what this script draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 1280, 812
LANE_X, LANE_WIDTH = 16, 1072
BOX_WIDTH, BOX_HEIGHT = 160, 58
COLUMNS = (124, 318, 512, 706, 900)
"""Left edges of the boxes in a lane."""
INK, SOFT, PAPER = "#1f2937", "#64748b", "#ffffff"
FRAME_COLOR, REQUEST_COLOR, WALL_COLOR = "#15803d", "#b45309", "#9f1239"
FONT = "font-family='Helvetica, Arial, DejaVu Sans, sans-serif'"
MONO = "font-family='Menlo, Consolas, DejaVu Sans Mono, monospace'"

Point = tuple[float, float]


@dataclass(frozen=True)
class Lane:
    """The modules that run in one thread, or in threads of one kind; ``y`` and ``height`` in pixels."""

    title: str
    note: str
    y: float
    height: float
    fill: str


@dataclass(frozen=True)
class Box:
    """One station: its name, its module below ``edge_lpr``, and the pixel of its top-left corner."""

    title: str
    module: str
    x: float
    y: float
    outside: bool = False

    @property
    def left(self) -> Point:
        """The middle of the left edge."""
        return self.x, self.y + BOX_HEIGHT / 2

    @property
    def right(self) -> Point:
        """The middle of the right edge."""
        return self.x + BOX_WIDTH, self.y + BOX_HEIGHT / 2

    def top(self, at: float = 0.5) -> Point:
        """Returns a point of the top edge; ``at`` is 0 at its left end, 1 at its right end."""
        return self.x + at * BOX_WIDTH, self.y

    def bottom(self, at: float = 0.5) -> Point:
        """Returns a point of the bottom edge; ``at`` is 0 at its left end, 1 at its right end."""
        return self.x + at * BOX_WIDTH, self.y + BOX_HEIGHT


LANES = (
    Lane("camera", "1 thread", 48, 104, "#eff6ff"),
    Lane("frame loop", "main thread", 164, 130, "#f0fdf4"),
    Lane("delivery", "MQTT threads", 306, 104, "#f5f3ff"),
    Lane("requests", "api_ threads", 482, 130, "#fffbeb"),
    Lane("web", "event loop", 624, 148, "#fef2f2"),
)

WALL_Y = 438
"""Where the wall between the two processes is."""

CAMERA = Box("Camera", "cameras/pi, usb, …", COLUMNS[0], 76)
NEWEST = Box("Newest frame", "cameras/source", COLUMNS[1], 76)
GATE = Box("Worth reading?", "service/frame_gate", COLUMNS[0], 206)
READ = Box("Read plates", "vision/reader", COLUMNS[1], 206)
TRACK = Box("Track and vote", "tracking/tracker", COLUMNS[2], 206)
ENRICH = Box("Add lists, pictures", "service/enrichment", COLUMNS[3], 206)
PUBLISH = Box("Number and store", "mqtt/publisher", COLUMNS[4], 206)
OUTBOX = Box("Outbox on disk", "mqtt/outbox", COLUMNS[2], 334)
SENDER = Box("Send in order", "mqtt/sender", COLUMNS[3], 334)
CONNECTION = Box("Connection", "mqtt/connection", COLUMNS[4], 334)
PHOTOS = Box("Read the photo", "server/photo_reader", COLUMNS[0], 524)
DECODER = Box("Decode, apart", "server/decoding", COLUMNS[1], 524)
ACTION = Box("LicensePlateOCR", "api/license_plate_ocr", COLUMNS[2], 524)
DISPATCHER = Box("Limits and queue", "api/dispatcher", COLUMNS[3], 524)
MQTT_REQUESTS = Box("MQTT requests", "api/mqtt_requests", COLUMNS[4], 524)
LINK = Box("Scene for viewers", "link/server_end", COLUMNS[0], 676)
PAGE = Box("Page", "page/routes", COLUMNS[1], 676)
HTTP = Box("HTTP API", "api/http_routes", COLUMNS[3], 676)
SERVER = Box("Server", "web/server", COLUMNS[4], 676)
BROKER = Box("MQTT broker", "parking system", 1104, 334, outside=True)
CLIENTS = Box("Browsers, SDKs", "people, programs", 1104, 676, outside=True)

BOXES = (
    *(CAMERA, NEWEST, GATE, READ, TRACK, ENRICH, PUBLISH, OUTBOX, SENDER, CONNECTION),
    *(PHOTOS, DECODER, ACTION, DISPATCHER, MQTT_REQUESTS, LINK, PAGE, HTTP, SERVER, BROKER, CLIENTS),
)


def text(x: float, y: float, words: str, size: float, color: str = INK, *, mono: bool = False, style: str = "") -> str:
    """Returns one line of text, its baseline at ``y``."""
    font = MONO if mono else FONT
    return f"<text x='{x:g}' y='{y:g}' {font} font-size='{size:g}' fill='{color}' {style}>{escape(words)}</text>"


def lane(drawn: Lane) -> str:
    """Returns the coloured band of a lane, with its name at the top left."""
    band = (
        f"<rect x='{LANE_X}' y='{drawn.y}' width='{LANE_WIDTH}' height='{drawn.height}' rx='10' fill='{drawn.fill}'/>"
    )
    title = text(LANE_X + 12, drawn.y + 20, drawn.title, 14, style="font-weight='bold'")
    return band + title + text(LANE_X + 12, drawn.y + 37, drawn.note, 11.5, SOFT)


def box(drawn: Box) -> str:
    """Returns a station with its name and its module."""
    middle = "text-anchor='middle'"
    x = drawn.x + BOX_WIDTH / 2
    border = "stroke-dasharray='5 4'" if drawn.outside else ""
    return (
        f"<rect x='{drawn.x}' y='{drawn.y}' width='{BOX_WIDTH}' height='{BOX_HEIGHT}' rx='8' fill='{PAPER}'"
        f" stroke='{SOFT}' stroke-width='1.2' {border}/>"
        + text(x, drawn.y + 25, drawn.title, 14, style=f"{middle} font-weight='bold'")
        + text(x, drawn.y + 44, drawn.module, 10.5, SOFT, mono=not drawn.outside, style=middle)
    )


def arrow(points: Sequence[Point], color: str, label: str = "", at: Point | None = None, *, both: bool = False) -> str:
    """Returns an arrow through ``points``; ``label`` stands at ``at``. ``both``: a head at each end."""
    path = " L ".join(f"{x:g} {y:g}" for x, y in points)
    name = "frame" if color == FRAME_COLOR else "request"
    start = f"marker-start='url(#{name})'" if both else ""
    line = f"<path d='M {path}' fill='none' stroke='{color}' stroke-width='2' marker-end='url(#{name})' {start}/>"
    middle = "text-anchor='middle' font-style='italic'"
    return line + (text(*at, label, 11, color, style=middle) if at is not None else "")


def between(start: Box, end: Box, color: str, label: str = "", *, both: bool = False) -> str:
    """Returns the arrow between two stations of one lane, side by side."""
    a, b = (start.right, end.left) if start.x < end.x else (start.left, end.right)
    return arrow([a, b], color, label, ((a[0] + b[0]) / 2, a[1] - 8), both=both)


def arrows() -> list[str]:
    """Returns all arrows: first those of a frame, then those of a request."""
    frame, request = FRAME_COLOR, REQUEST_COLOR
    turn, requests_y = 178, MQTT_REQUESTS.right[1]
    return [
        between(CAMERA, NEWEST, frame),
        arrow([NEWEST.bottom(), (NEWEST.bottom()[0], turn), (GATE.top()[0], turn), GATE.top()], frame),
        between(GATE, READ, frame),
        between(READ, TRACK, frame),
        between(TRACK, ENRICH, frame),
        between(ENRICH, PUBLISH, frame),
        arrow([PUBLISH.bottom(), (PUBLISH.bottom()[0], 320), (OUTBOX.top()[0], 320), OUTBOX.top()], frame),
        between(OUTBOX, SENDER, frame),
        between(SENDER, CONNECTION, frame),
        between(CONNECTION, BROKER, frame),
        arrow([BROKER.bottom(), (BROKER.bottom()[0], requests_y), MQTT_REQUESTS.right], request, both=True),
        between(MQTT_REQUESTS, DISPATCHER, request),
        between(DISPATCHER, ACTION, request),
        between(ACTION, DECODER, request),
        between(DECODER, PHOTOS, request),
        arrow([TRACK.bottom(), (TRACK.bottom()[0], 280), (112, 280), (112, LINK.left[1]), LINK.left], frame),
        between(CLIENTS, SERVER, request, both=True),
        between(SERVER, HTTP, request),
        arrow([SERVER.bottom(), (SERVER.bottom()[0], 754), (PAGE.bottom()[0], 754), PAGE.bottom()], request),
        between(PAGE, LINK, request),
        arrow([HTTP.top(), DISPATCHER.bottom()], request),
    ]


def wall() -> list[str]:
    """Returns the line between the two processes, with a name on either side."""
    ends = f"x1='{LANE_X}' x2='{LANE_X + LANE_WIDTH}' y1='{WALL_Y}' y2='{WALL_Y}'"
    names = (
        (WALL_Y - 10, "gate: takes bytes from the camera, and acknowledgements from the broker"),
        (WALL_Y + 24, "server: takes bytes from everybody; lower priority, limited memory; may be killed at any time"),
    )
    line = f"<line {ends} stroke='{WALL_COLOR}' stroke-width='7' stroke-dasharray='26 4'/>"
    return [line, *(text(128, y, words, 13, WALL_COLOR, style="font-weight='bold'") for y, words in names)]


def labels() -> list[str]:
    """Returns what goes along the arrows, and the legend."""
    middle = "text-anchor='middle' font-style='italic'"
    named = [
        (301, 172, "Frame", FRAME_COLOR),
        (495, 199, "PlateReading", FRAME_COLOR),
        (689, 199, "Passage", FRAME_COLOR),
        (786, 316, "message, on disk before it is sent", FRAME_COLOR),
        (1082, 355, "JSON", FRAME_COLOR),
        (176, 274, "when asked for", FRAME_COLOR),
    ]
    return [text(x, y, words, 11, color, style=middle) for x, y, words, color in named] + [
        f"<path d='M 16 26 L 56 26' stroke='{FRAME_COLOR}' stroke-width='2' marker-end='url(#frame)'/>",
        text(64, 30, "path of a frame: one message for each vehicle", 13),
        f"<path d='M 400 26 L 440 26' stroke='{REQUEST_COLOR}' stroke-width='2' marker-end='url(#request)'/>",
        text(448, 30, "path of a request; the answer goes back the same way", 13),
        text(16, 796, "Each band is a thread or a group of threads. Grey names are modules in edge_lpr/.", 12, SOFT),
    ]


def marker(name: str, color: str) -> str:
    """Returns the definition of an arrow head."""
    return (
        f"<marker id='{name}' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7' markerHeight='7'"
        f" orient='auto-start-reverse'><path d='M 0 0 L 10 5 L 0 10 z' fill='{color}'/></marker>"
    )


def drawing() -> str:
    """Returns the whole SVG document."""
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}'>",
        f"<defs>{marker('frame', FRAME_COLOR)}{marker('request', REQUEST_COLOR)}</defs>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' rx='14' fill='{PAPER}'/>",
        *map(lane, LANES),
        *arrows(),
        *map(box, BOXES),
        *wall(),
        *labels(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Writes the drawing beside this script."""
    Path(__file__).with_name("architecture.svg").write_text(drawing(), encoding="utf-8")


if __name__ == "__main__":
    main()
