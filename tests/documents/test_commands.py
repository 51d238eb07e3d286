"""The commands, modules, options, paths and extras that the documents name exist."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_lpr.cli import main
from tests.documents.markdown import ROOT, code_lines, documents

DOCUMENTS = documents()
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

in_each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)


@in_each_document
def test_the_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(
        r"(?:^ {4}(?:sudo )?|`(?:sudo )?)make ([a-z][\w-]+)", path.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(named) <= targets


@in_each_document
def test_the_modules_exist(path: Path) -> None:
    for module in re.findall(r"python -m ((?:edge_lpr|models|tests)[\w.]*)", path.read_text(encoding="utf-8")):
        assert importlib.util.find_spec(module) is not None, module


@in_each_document
def test_the_commands_of_the_program_exist(path: Path) -> None:
    for words in _calls(path):
        with pytest.raises(SystemExit) as help_shown:
            main([*_command(words), "--help"])
        assert help_shown.value.code == 0, words


@in_each_document
def test_the_options_of_the_program_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in _calls(path):
        with pytest.raises(SystemExit):
            main([*_command(words), "--help"])
        known = capsys.readouterr().out
        for option in (word for word in words if re.fullmatch(r"--?[a-z][\w-]*", word)):
            assert option in known, f"{words}: {option}"


def _calls(path: Path) -> Iterator[list[str]]:
    """Yields the words after ``edge-lpr`` of each call in a code block or in backticks; a remark follows two spaces."""
    text = path.read_text(encoding="utf-8")
    for line in [*code_lines(text), *re.findall(r"`([^`\n]+)`", text)]:
        called = re.match(r"(?:sudo (?:-u \S+ )?)?(?:\S*/)?edge-lpr ([a-z][^|;#]*)", line)
        if called and not line.startswith(("git ", "cd ")):
            yield re.split(r" {2,}", called[1].strip())[0].split()


def _command(words: list[str]) -> list[str]:
    return words[:2] if words[0] == "models" and len(words) > 1 else words[:1]


@in_each_document
def test_the_paths_of_the_installed_program_exist(path: Path) -> None:
    for name in re.findall(r"/opt/edge-lpr/((?!venv)[\w./-]+)", path.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@in_each_document
def test_the_extras_exist(path: Path) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in re.findall(r"/opt/edge-lpr\[([\w-]+)\]", path.read_text(encoding="utf-8")):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_each_command_of_the_program_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = set(re.findall(r"^ {4}([a-z]+)(?= {2,}|$)", capsys.readouterr().out, re.MULTILINE))
    assert {"run", "check"} <= commands
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `edge-lpr (\w+)", text, re.MULTILINE)) == commands
