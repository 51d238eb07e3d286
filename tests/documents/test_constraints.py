"""constraints.txt has all that a gate needs, each with hashes. `make resolve` tries it on every machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def blocks(repo_root: Path) -> list[str]:
    """The requirements of constraints.txt with their hashes, one in a line."""
    text = (repo_root / "constraints.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith(("#", "--"))]


def requirement_of(block: str) -> Requirement:
    return Requirement(block.partition("--hash")[0])


def test_each_package_has_one_exact_version_and_hashes(blocks: list[str]) -> None:
    assert len(blocks) > 20
    for block in blocks:
        assert re.fullmatch(r"==[^,*]+", str(requirement_of(block).specifier)), block
        hashes = block.split()[block.split().index("--hash=" + block.partition("--hash=")[2].split()[0]) :]
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), block


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_the_program_requires_is_there(repo_root: Path, blocks: list[str], python: str, machine: str) -> None:
    environment = {
        "python_version": python, "python_full_version": f"{python}.2", "platform_machine": machine,
        "sys_platform": "linux", "platform_system": "Linux", "implementation_name": "cpython",
    }  # fmt: skip
    pinned = {}
    for requirement in map(requirement_of, blocks):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert requirement.name not in pinned, "two versions on one machine"
            pinned[requirement.name] = str(requirement.specifier).removeprefix("==")
    project = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    wanted += project["project"]["optional-dependencies"]["bookworm"] if python == "3.11" else []
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_pip_builds_nothing_from_source(repo_root: Path) -> None:
    # pip would fetch what a source archive needs for its build without hashes.
    assert "--only-binary :all:" in (repo_root / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_it_names_no_package_index(repo_root: Path) -> None:
    assert "://" not in (repo_root / "constraints.txt").read_text(encoding="utf-8")
