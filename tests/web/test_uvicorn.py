"""The private class of uvicorn that ``HttpProtocol`` extends has the methods and attributes it uses."""

from __future__ import annotations

import asyncio
import inspect
import tomllib
from asyncio.sslproto import SSLProtocol
from importlib.metadata import version
from pathlib import Path

import h11
import uvicorn
from packaging.requirements import Requirement
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

PARAMETERS = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "on_response_complete": ["self"],
    "data_received": ["self", "data"],
    "send_400_response": ["self", "msg"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
}


def test_overridden_methods_have_the_same_parameters() -> None:
    for name, parameters in PARAMETERS.items():
        assert list(inspect.signature(getattr(H11Protocol, name)).parameters) == parameters, name


def test_the_attributes_that_are_used_exist() -> None:
    async def make() -> H11Protocol:
        config = uvicorn.Config(lambda: None, http=H11Protocol)
        config.load()
        return H11Protocol(config, ServerState(), {}, asyncio.get_running_loop())

    protocol = asyncio.run(make())
    assert protocol.cycle is None and hasattr(protocol, "transport") and hasattr(protocol, "loop")
    assert isinstance(protocol.conn, h11.Connection)
    assert FlowControl(None).write_paused is False
    source = inspect.getsource(RequestResponseCycle.__init__)
    for name in ("response_complete", "more_body", "keep_alive", "disconnected", "message_event"):
        assert f"self.{name}" in source


def test_a_tls_connection_reads_into_a_buffer_of_the_given_size() -> None:
    assert "bytearray(self.max_size)" in inspect.getsource(SSLProtocol.__init__)


def test_the_requirement_excludes_untested_minor_versions(repo_root: Path) -> None:
    project = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pinned,) = (each for each in map(Requirement, project["dependencies"]) if each.name == "uvicorn")
    assert version("uvicorn") in pinned.specifier
    major, minor = version("uvicorn").split(".")[:2]
    assert f"{major}.{int(minor) + 10}" not in pinned.specifier
