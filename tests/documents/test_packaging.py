"""The package carries what it needs, and asks for what fits together."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from edge_lpr import resources


@pytest.fixture
def project(repo_root: Path) -> dict[str, Any]:
    return tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_carries_the_models_and_the_clip(
    repo_root: Path, project: dict[str, Any], models_dir: Path, tmp_path: Path
) -> None:
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, cwd=repo_root, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert names >= set(included.values())
    assert {"edge_lpr/cli/__init__.py", "edge_lpr/py.typed", "edge_lpr/messages/schemas/plate.json"} <= names
    assert {f"edge_lpr/page/static/{name}" for name in ("page.html", "login.html", "page.css", "main.js")} <= names
    assert not [name for name in names if name.startswith(("models", "tests", "training"))]
    assert wheel.stat().st_size < 20_000_000
    assert "edge_lpr/model_store/self_test.jpg" in names


def test_a_checkout_finds_its_own_models(repo_root: Path) -> None:
    assert resources.models_dir() == repo_root / "models"
    assert resources.demo_clip() == repo_root / "models" / "demo" / "demo.mp4"


def test_the_training_requirements_can_be_parsed(repo_root: Path) -> None:
    lines = (repo_root / "models" / "training" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [Requirement(line).name for line in lines if line and not line.startswith("#")]
    assert names[0] == "torch" and len(set(names)) == len(names)


def test_the_older_runtime_brings_the_numpy_and_opencv_that_it_needs(project: dict[str, Any]) -> None:
    extra = project["project"]["optional-dependencies"]["tflite-runtime"]
    names = [requirement.partition(";")[0].strip() for requirement in extra]
    assert names == ["numpy<2", "opencv-python-headless<=4.11.0.86", "tflite-runtime==2.14.*"]


def test_the_runtime_package_imports_nothing_of_the_training(repo_root: Path) -> None:
    forbidden = {"models", "torch", "tensorflow", "tests"}
    for path in (repo_root / "edge_lpr").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & {name.partition(".")[0] for name in names}, path


def test_no_file_is_long(repo_root: Path) -> None:
    for folder in ("edge_lpr", "models", ".ci"):
        for path in (repo_root / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_the_licence_is_there(repo_root: Path, project: dict[str, Any]) -> None:
    assert project["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (repo_root / "LICENSE").read_text(encoding="utf-8")
