"""What the README promises: it is short, its commands exist, its message is valid, its files are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_lpr.messages.schemas import load_schema
from tests.documents.markdown import code_lines


@pytest.fixture
def readme(repo_root: Path) -> str:
    return (repo_root / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_it_is_short(repo_root: Path, name: str) -> None:
    assert len((repo_root / name).read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_screen_has_the_two_commands(repo_root: Path, name: str) -> None:
    first_screen = "\n".join((repo_root / name).read_text(encoding="utf-8").splitlines()[:25])
    assert "    make demo " in first_screen
    assert "    make test " in first_screen


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "docs/messages.md"])
def test_the_sample_message_is_valid(repo_root: Path, name: str) -> None:
    text = (repo_root / name).read_text(encoding="utf-8")
    block = re.search(r'^    \{"Response".*?(?=\n\n)', text, re.MULTILINE | re.DOTALL)
    assert block is not None
    message = json.loads(block.group())
    Draft202012Validator(load_schema("plate")).validate(message)
    assert message["Response"]["LicensePlateInfos"][0]["Number"] == message["Response"]["Number"]


def test_the_short_installation_is_a_part_of_the_long_one(readme: str, repo_root: Path) -> None:
    document = (repo_root / "docs" / "install.md").read_text(encoding="utf-8")
    short = [line for line in code_lines(readme) if line.startswith("sudo ")]
    assert len(short) == 6
    assert set(short) <= set(code_lines(document))


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
