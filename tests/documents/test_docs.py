"""What the documents say of settings, fields, metrics, log lines and files is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_lpr.config import Settings
from edge_lpr.config.fields import setting_paths
from edge_lpr.config.reload import LIVE_SETTINGS
from edge_lpr.messages.schemas import load_schema
from tests.documents.markdown import ROOT, documents

DOCUMENTS = documents()
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


@pytest.fixture
def page(repo_root: Path) -> str:
    return (repo_root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source() -> str:
    """The program's text, with strings that go over several lines joined."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "edge_lpr").rglob("*.py")))
    return re.sub(r'"\s*\n\s*f?"', "", text)


def named_settings(text: str) -> set[str]:
    """The settings that stand in backticks, also those with a value behind them."""
    sections = "|".join(Settings.model_fields)
    return set(re.findall(rf"`((?:{sections})\.[a-z_.]+)(?=[`:])", text))


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_the_settings_of_a_document_exist(path: Path) -> None:
    known = {".".join(setting) for setting in setting_paths(Settings)}
    named = named_settings(path.read_text(encoding="utf-8"))
    assert {name for name in named if not name.endswith((".py", ".css", ".html", ".md"))} <= known


def test_the_settings_of_the_troubleshooting_page_exist(page: str) -> None:
    named = named_settings(page)
    assert len(named) > 20
    assert named <= {".".join(path) for path in setting_paths(Settings)}


def test_the_fields_of_the_troubleshooting_page_exist(page: str) -> None:
    assert strange_fields(page) <= {"AnalogueGain", "AuthFailure.SignatureExpire", "FailedOperation.UnOpenError"}


def test_the_fields_of_the_operations_page_exist(repo_root: Path) -> None:
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    assert strange_fields(text) <= {"AnalogueGain", "ExposureTime"}  # picamera2's


def strange_fields(text: str) -> set[str]:
    """The fields in backticks that no payload has."""
    payloads = [json.dumps(load_schema(name)) for name in ("health", "plate", "capture", "response")]
    known = set(re.findall(r'"([A-Z]\w+)"', "".join(payloads)))
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*(?:\.[A-Z][A-Za-z]+)*)`", text))
    return {name for name in named if not set(name.split(".")) <= known}


def test_the_fields_of_a_passage_have_their_rows(repo_root: Path) -> None:
    text = (repo_root / "docs" / "messages.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE))))
    assert set(load_schema("plate")["$defs"]["Event"]["properties"]) <= rows
    assert set(load_schema("response")["$defs"]["PlateResponse"]["properties"]) - {"LicensePlateInfos"} <= rows


def test_the_faults_of_the_camera_have_their_rows(repo_root: Path) -> None:
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text[text.index("| `Fault` |") :].partition("\n\n")[0]
    faults = set(load_schema("health")["$defs"]["CameraHealth"]["properties"]["Fault"]["enum"]) - {None}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) - {"Fault"} == faults


def test_each_metric_has_its_row(repo_root: Path, source: str) -> None:
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text[text.index("| series |") :].partition("\n\n")[0]
    cells = "".join(re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE))
    code = (repo_root / "edge_lpr" / "server" / "metrics.py").read_text(encoding="utf-8")
    series = re.findall(r'_(?:counter|gauge|seconds)\(\s*"(\w+)"', code) + re.findall(r'"edge_lpr_(\w+)"', source)
    assert len(series) > 20
    assert set(re.findall(r"`(\w+)`", cells)) == set(series)


def test_the_log_lines_of_the_troubleshooting_page_are_those_of_the_program(page: str, source: str) -> None:
    cells = re.findall(r"^\| (?:log: )?(`[^|]+) \|", page, re.MULTILINE)
    quoted = [words for cell in cells for words in re.findall(r"`([^`]+)`", cell) if " " in words]
    others = {"Watchdog timeout", "Failed with result 'oom-kill'"}  # systemd's
    lines = [words for words in quoted if words not in others and not re.match(r"\w+\.\w", words)]
    assert len(lines) > 6
    for words in lines:
        # What the program fills in: names, numbers, the broker's own reason.
        for piece in re.split(r"…|: Not authorized|picamera2$| 0 ", words):
            assert piece.strip() in source, words


def test_the_files_in_the_state_folder_are_those_of_the_program(repo_root: Path, source: str) -> None:
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    names = r"outbox\.[\w.-]+|quota[\w.-]+|lanes\.yaml|statistics[\w-]+\.json"
    named = re.findall(rf"`(?:/var/lib/edge-lpr/)?({names})`", text)
    assert len(set(named)) == 6
    for name in named:
        assert f'"{name}"' in source, name


def test_the_settings_that_a_reload_applies_are_named(repo_root: Path) -> None:
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text[text.index("## Change settings") :].partition("\n## ")[0]
    assert all(f"`{name}`" in section for name in LIVE_SETTINGS)
