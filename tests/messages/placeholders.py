"""Replaces in a payload what differs from run to run, so that the rest can be compared byte for byte.

The replacement works on the text: the order of keys, the spacing and the form of numbers are compared too.
"""

from __future__ import annotations

import re
from pathlib import Path

_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{2}:\d{2}"
_COUNTS = (
    *("UptimeSeconds", "FramesCaptured", "FramesDropped", "Reopened", "Connects", "Failures", "Waiting", "Bytes"),
    *("FramesRead", "FramesIdle", "FramesRested"),
)
_VERSIONS = ("EdgeLpr", "Detector", "Recognizer", "Runtime", "Python", "sw_version")

_RULES: tuple[tuple[str, str], ...] = (
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
    (_TIME, "<time>"),
    (r"\d{4}-\d{2}-\d{2}/\d{9}-", "<day>/<time of day>-"),
    (r'("Vehicle":)"[0-9a-f]{32}"', r'\1"<hash>"'),
    (rf'("(?:{"|".join(_COUNTS)})":)\d+(?=[,}}])', r"\1<count>"),
    (r'("(?:FramesPerSecond|ReadMilliseconds)":)\d+\.\d+(?=[,}])', r"\1<float>"),
    (r'("TemperatureCelsius":)(?:null|-?\d+(?:\.\d+)?)(?=[,}])', r"\1<float or null>"),
    (r'("ClockSynchronized":)(?:true|false)(?=[,}])', r"\1<boolean>"),
    (r'("Throttling":)(?:null|\{[^{}]*\})(?=[,}])', r"\1<object or null>"),
    (rf'("(?:{"|".join(_VERSIONS)})":)"[^"]+"', r'\1"<version>"'),
    (r'("Image":)"[A-Za-z0-9+/]{1000,}={0,2}"', r'\1"<picture>"'),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


def with_placeholders(payload: bytes, *, folder: Path, root: Path) -> str:
    """Returns the payload as text; ``folder`` is the run's temporary folder, ``root`` the checkout's."""
    text = payload.decode().replace(str(folder), "<folder>").replace(str(root), "<root>")
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


_SAMPLES = {
    "<uuid>": "5141467c-0a67-4f7c-b1c5-8147d84681a1",
    "<time>": "2025-03-01T08:15:02.480+08:00",
    "<day>/<time of day>": "2025-03-01/081502480",
    "<hash>": "00112233445566778899aabbccddeeff",
    "<count>": "3",
    "<float>": "12.5",
    "<float or null>": "null",
    "<boolean>": "true",
    "<object or null>": "null",
    "<version>": "1.0.0",
    "<picture>": "aGk=",
}


def with_samples(text: str) -> str:
    """Returns the text of a payload with a valid value for each placeholder."""
    for placeholder, sample in _SAMPLES.items():
        text = text.replace(placeholder, sample)
    return text
