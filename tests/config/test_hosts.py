"""The form in which host names are compared."""

from __future__ import annotations

import pytest

from edge_lpr.config.api import canonical_host


def test_hosts_have_one_canonical_form() -> None:
    assert canonical_host("Recorder.LAN.") == "recorder.lan"
    assert canonical_host("Bücher.example") == "xn--bcher-kva.example"
    with pytest.raises(ValueError, match="not a valid"):
        canonical_host("a/b")
