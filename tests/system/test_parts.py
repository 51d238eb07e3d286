"""The parts of the system test that need no virtual machine."""

from __future__ import annotations

from pathlib import Path

from tests.system.ledger import Ledger
from tests.system.readme_steps import install_steps


def test_the_install_steps_are_the_readmes(repo_root: Path) -> None:
    packages, user, check, start = install_steps(repo_root / "README.md")
    assert "sudo /opt/edge-lpr/venv/bin/pip install /opt/edge-lpr" in packages
    assert "sudo apt-get install git python3-venv" in packages
    assert not any("clone" in command or "bookworm" in command for command in packages)
    assert "sudo systemctl daemon-reload" in user
    assert check == ["sudo -u edge-lpr /opt/edge-lpr/venv/bin/edge-lpr check -c /etc/edge-lpr/config.yaml"]
    assert start[0] == "sudo systemctl enable --now edge-lpr"


def message(sequence: int, request_id: str, number: str = "京N8F2K6") -> dict[str, dict[str, object]]:
    return {"Response": {"RequestId": request_id, "Number": number}, "Event": {"Sequence": sequence}}


def test_the_ledger_finds_what_is_lost_missing_and_given_twice() -> None:
    ledger = Ledger()
    ledger.note_log(["INFO passage 1: 京N8F2K6 蓝, confidence 99", "passage 5: 粤BD30517 绿, confidence 99"])
    for sequence, request_id in ((1, "a"), (1, "a"), (3, "b"), (3, "c")):
        ledger.note_message(message(sequence, request_id))
    assert (ledger.lost, ledger.gaps, ledger.given_twice, ledger.repeated) == ([5], [2], [3], 1)
    assert not ledger.is_whole


def test_a_passage_that_came_twice_is_no_fault() -> None:
    ledger = Ledger()
    ledger.note_log(["passage 1: 京N8F2K6 蓝, confidence 99"])
    for _ in range(2):
        ledger.note_message(message(1, "a"))
    assert ledger.is_whole and ledger.repeated == 1
