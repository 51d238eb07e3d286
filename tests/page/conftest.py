"""A gate with the page for the tests of a file, and clients of the page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.page_gate import PageGate, logged_in, page_gate


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageGate]:
    with page_gate(tmp_path_factory.mktemp("page"), page="viewers: 2") as running:
        yield running


@pytest.fixture
def client(gate: PageGate) -> Iterator[httpx.Client]:
    with logged_in(gate) as made:
        yield made


@pytest.fixture
def logged_out(gate: PageGate) -> Iterator[httpx.Client]:
    """A client that is not logged in. It sends the same headers as the page."""
    with httpx.Client(base_url=gate.url, headers={"Origin": gate.origin}, timeout=30) as made:
        yield made
