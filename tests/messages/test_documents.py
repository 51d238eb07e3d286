"""The documents of the topics are those of the code, and their examples work."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from edge_lpr.messages import generate
from edge_lpr.messages.schemas import SCHEMA_NAMES, load_schema
from edge_lpr.mqtt.asyncapi import as_text, asyncapi_document
from edge_lpr.mqtt.topics import Topics
from tests.support.samples import ERROR_MESSAGE, HEALTH_MESSAGE, PLATE_MESSAGE, STATISTICS_MESSAGE

RELOADED = {"Response": {"Applied": ["passage.lane"], "NeedRestart": [], "RequestId": "5141467c"}}
SAMPLES: list[tuple[str, Any]] = [
    ("response", {"Response": PLATE_MESSAGE["Response"]}),
    ("error", ERROR_MESSAGE),
    ("plate", PLATE_MESSAGE),
    ("capture", {"Response": PLATE_MESSAGE["Response"], "Image": "aGk="}),
    ("capture", ERROR_MESSAGE),
    ("health", HEALTH_MESSAGE),
    ("statistics", STATISTICS_MESSAGE),
    ("availability", "online"),
    ("request", {"ImageUrl": "http://192.0.2.1/a.jpg"}),
    ("capture-request", {"WithImage": True}),
    ("capture-request", {}),
    ("reload", RELOADED),
    ("reload", ERROR_MESSAGE),
]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def at(document: Any, pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_schema_has_a_sample() -> None:
    assert {name for name, _ in SAMPLES} == set(SCHEMA_NAMES)


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_samples_are_valid_in_both_dialects(name: str, sample: Any) -> None:
    Draft202012Validator.check_schema(load_schema(name))
    Draft202012Validator(load_schema(name)).validate(sample)
    document = asyncapi_document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft7Validator(schema).validate(sample)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("plate", {**PLATE_MESSAGE, "Event": {**PLATE_MESSAGE["Event"], "Crossing": "left"}}),
        ("plate", {"Response": PLATE_MESSAGE["Response"]}),
        ("statistics", {**STATISTICS_MESSAGE, "Number": "京AF0236"}),
        ("statistics", {**STATISTICS_MESSAGE, "Color": "blue"}),
        ("availability", "away"),
        ("request", {}),
        ("capture-request", {"WithImage": 1}),
        ("reload", {"Response": {"Applied": []}}),
    ],
)
def test_wrong_messages_are_invalid_in_both_dialects(name: str, wrong: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": asyncapi_document()["components"]}
    assert not Draft202012Validator(load_schema(name)).is_valid(wrong)
    assert not Draft7Validator(schema).is_valid(wrong)


def test_asyncapi_in_the_repository_is_up_to_date(repo_root: Path) -> None:
    written = (repo_root / "docs" / "asyncapi.json").read_text(encoding="utf-8")
    assert written == as_text(), "write it again: make documents"


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schemas_in_the_repository_are_up_to_date(name: str) -> None:
    assert load_schema(name) == generate.generate_schema(name), "write it again: make documents"


def test_definitions_of_one_name_are_the_same_in_all_schemas() -> None:
    found: dict[str, Any] = {}
    for name in SCHEMA_NAMES:
        for definition, schema in load_schema(name).get("$defs", {}).items():
            assert found.setdefault(definition, schema) == schema, (name, definition)
    assert not set(found) & set(SCHEMA_NAMES)


def test_asyncapi_follows_the_rules_of_version_3() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    for reference in references(document):
        assert at(document, reference) is not None, reference
    for channel in document["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
        assert channel["messages"]
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert re.fullmatch(r"#/channels/[\w-]+", operation["channel"]["$ref"])
        assert operation["bindings"]["mqtt"]["qos"] in (0, 1, 2)


def test_every_topic_is_described() -> None:
    topics = Topics("{prefix}", "{device}")
    named = {
        value for name, kind in vars(Topics).items() if isinstance(kind, property) and name != "base"
        if (value := getattr(topics, name))
    }  # fmt: skip
    addresses = {channel["address"] for channel in asyncapi_document()["channels"].values()}
    assert named <= addresses
    assert {topics.request("capture"), topics.response("capture"), topics.request("reload")} <= addresses


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_example_is_the_program_of_the_examples(repo_root: Path) -> None:
    (code,) = blocks(repo_root / "docs" / "messages.md", "python")
    assert code == (repo_root / "examples" / "subscribe.py").read_text(encoding="utf-8")


def test_the_node_red_flow_can_be_imported(repo_root: Path) -> None:
    (text,) = blocks(repo_root / "docs" / "messages.md", "json")
    flow = json.loads(text)
    ids = {node["id"] for node in flow}
    for node in flow:
        assert {"id", "type", "name"} <= set(node)
        assert {target for outputs in node.get("wires", []) for target in outputs} <= ids
        assert node.get("broker") in (None, "127.0.0.1", "lpr-broker")
    topics = [node["topic"] for node in flow if node["type"] == "mqtt in"]
    assert topics == ["edge-lpr/+/plate"]


def test_the_page_names_the_topics_that_exist(repo_root: Path) -> None:
    text = (repo_root / "docs" / "messages.md").read_text(encoding="utf-8")
    named = set(re.findall(r"edge-lpr/(?:\+|gate-1)/([\w/-]+)", text))
    channels = {
        channel["address"].removeprefix("{prefix}/{device}/") for channel in asyncapi_document()["channels"].values()
    }
    assert named == {name for name in channels if not name.startswith("response/")} | {"response/"}
