"""What the README promises: its commands exist, its message is valid, its files are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_lpr.messages.schemas import load_schema


@pytest.fixture
def readme(repo_root: Path) -> str:
    return (repo_root / "README.md").read_text(encoding="utf-8")


def test_the_sample_message_is_valid(readme: str) -> None:
    block = re.search(r'^    \{"Response".*?(?=\n\n)', readme, re.MULTILINE | re.DOTALL)
    assert block is not None
    message = json.loads(block.group())
    Draft202012Validator(load_schema("plate")).validate(message)
    assert message["Response"]["LicensePlateInfos"][0]["Number"] == message["Response"]["Number"]


def test_the_make_targets_exist(readme: str, repo_root: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (repo_root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][\w-]+)", readme)) <= targets


def test_the_linked_files_exist(readme: str, repo_root: Path) -> None:
    for link in re.findall(r"\[[^]]*\]\(([^)#]+)\)", readme):
        assert (repo_root / link).exists(), link
    for path in re.findall(r"/opt/edge-lpr/((?!venv)[\w./-]+)", readme):
        assert (repo_root / path).exists(), path


def test_the_extras_exist(readme: str, repo_root: Path) -> None:
    project = (repo_root / "pyproject.toml").read_text(encoding="utf-8")
    for extra in re.findall(r"/opt/edge-lpr\[([\w-]+)\]", readme):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
