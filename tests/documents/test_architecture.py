"""docs/architecture.md and its drawing name packages, modules and threads that exist."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from tests.documents.markdown import ROOT

PACKAGE = ROOT / "edge_lpr"


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture_drawing", ROOT / "docs" / "architecture_drawing.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def test_the_modules_exist(page: str) -> None:
    named = re.findall(r"`((?:\w+/)*\w+\.py)`", page)
    known = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}
    training = {path.name for path in (ROOT / "models" / "training").rglob("*.py")}
    names = {Path(path).name for path in known}
    assert len(named) > 40
    for name in named:
        assert name in known or (ROOT / name).is_file() or ("/" not in name and name in names | training), name


def test_the_folders_exist(page: str) -> None:
    for name in re.findall(r"`((?:\w+/)+)`", page):
        assert (PACKAGE / name).is_dir() or (ROOT / name).is_dir(), name


def test_each_package_has_its_place(page: str) -> None:
    section = page[page.index("## Packages") : page.index("## Threads")]
    rows = re.findall(r"^\| \d \| ([^|]+) \|", section, re.MULTILINE)
    packages = [set(re.findall(r"`(\w+)/`", row)) for row in rows]
    assert set().union(*packages) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    assert packages == [set(layer.split(" | ")) for layer in layers[:-1]]


def test_each_thread_has_its_row(page: str) -> None:
    section = page[page.index("## Threads") : page.index("## Where a change goes")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    named = set(re.findall(r'Thread\([^)]*?name="([\w-]+)"', text)) - {"mqtt-broker"}  # the demo's
    pools = set(re.findall(r'ThreadPoolExecutor\([^)]*?"(\w+)"\)', text))
    assert named and pools
    for name in named | {f"{pool}_0" for pool in pools}:
        assert f"`{name}`" in section, name


def test_the_drawing_is_that_of_the_script(script: ModuleType) -> None:
    written = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert written == script.drawing(), "write it anew: python docs/architecture_drawing.py"
    ET.fromstring(written)


def test_the_modules_of_the_drawing_exist(script: ModuleType) -> None:
    for box in script.BOXES:
        if not box.outside:
            assert (PACKAGE / f"{box.module.partition(',')[0]}.py").is_file(), box.module
