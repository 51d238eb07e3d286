"""Programs and data that tests need. If they are missing the test is skipped; in CI it fails."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str) -> NoReturn:
    """Skips the test, or fails it in CI. ``what`` names the missing thing and how to get it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is absent, and CI must run this test")
    pytest.skip(f"{what} is absent")
