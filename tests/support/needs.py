"""What tests need and a machine may lack: a reason to skip for a developer, and to fail where CI is set."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str) -> NoReturn:
    """Skip; in CI, where everything must be there, fail. ``what`` names the thing, and how to get it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is absent, and CI must run this test")
    pytest.skip(f"{what} is absent")
