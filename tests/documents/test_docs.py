"""What the pages beside the README say of settings, health and sections is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_lpr.config import Settings
from edge_lpr.config.fields import setting_paths
from edge_lpr.messages.schemas import load_schema


@pytest.fixture
def page(repo_root: Path) -> str:
    return (repo_root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def test_the_settings_of_the_troubleshooting_page_exist(page: str) -> None:
    sections = "|".join(Settings.model_fields)
    named = set(re.findall(rf"`((?:{sections})\.[a-z_.]+)(?=[`:])", page))
    assert len(named) > 20
    assert named <= {".".join(path) for path in setting_paths(Settings)}


def test_the_fields_of_the_troubleshooting_page_exist(page: str) -> None:
    texts = [json.dumps(load_schema(name)) for name in ("health", "plate", "capture", "response")]
    known = set(re.findall(r'"([A-Z]\w+)"', "".join(texts)))
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*(?:\.[A-Z][A-Za-z]+)*)`", page))
    strangers = {name for name in named if not set(name.split(".")) <= known}
    assert strangers <= {"AnalogueGain", "AuthFailure.SignatureExpire"}  # picamera2's and the API's


def test_the_links_of_the_pages_lead_somewhere(repo_root: Path) -> None:
    for path in sorted((repo_root / "docs").glob("*.md")):
        for link in re.findall(r"\[[^]]*\]\(([^):]+)\)", path.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), f"{path.name}: {link}"
            if anchor:
                assert anchor in headings(target.read_text(encoding="utf-8")), f"{path.name}: {link}"


def headings(text: str) -> set[str]:
    """The anchors that GitHub gives the headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
