"""The payloads of the program are, byte for byte, those of the golden files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge_lpr.messages.schemas import load_schema
from tests.messages.golden_runs import GOLDEN, ROOT, RUNS, record
from tests.messages.placeholders import with_samples


@pytest.fixture(scope="module")
def recorded(mosquitto_program: str, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The payloads of this checkout."""
    return record(ROOT, tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", RUNS)
def test_payloads_equal_the_golden_file(recorded: dict[str, str], name: str) -> None:
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert recorded[name].splitlines() == golden.splitlines(), (
        "a change that subscribers see; if it is meant: python -m tests.messages.golden_runs records the files again"
    )


def payloads() -> Iterator[tuple[str, str, Any]]:
    """Yields heading, name of the schema and content of each JSON message in the golden files."""
    for path in sorted(GOLDEN.glob("*.txt")):
        for section in path.read_text(encoding="utf-8").split("=== ")[1:]:
            heading, _, body = section.partition("\n")
            for line in body.splitlines():
                if line.startswith("{") and (schema := schema_of(heading, line)) is not None:
                    content = json.loads(with_samples(line))
                    content.pop("Source", None)
                    yield f"{path.stem}: {heading}", schema, content


def schema_of(heading: str, line: str) -> str | None:
    """Returns the name of a message's schema; None for what has none."""
    kind = heading.partition(",")[0].split(" ")[0].removeprefix("response/")
    if kind in ("plate", "health", "statistics", "capture", "reload"):
        return kind
    if '"Response"' not in line:
        return None
    return "error" if '"Error"' in line else "response"


@pytest.mark.parametrize(("heading", "schema", "content"), list(payloads()), ids=[name for name, _, _ in payloads()])
def test_golden_payloads_are_valid(heading: str, schema: str, content: Any) -> None:
    Draft202012Validator(load_schema(schema)).validate(content)


def test_golden_payloads_cover_the_schemas() -> None:
    found = {schema for _, schema, _ in payloads()}
    assert found == {"plate", "health", "statistics", "capture", "reload", "response", "error"}
