"""Access to the page without a running gate: tokens, login sessions, cookies, a page without a token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette

from edge_lpr.config import ApiSettings, PageSettings, Settings, load_settings
from edge_lpr.errors import ConfigError
from edge_lpr.page.build import Page, create_page
from edge_lpr.page.login_sessions import LASTS_S, MAX_SESSIONS, LoginSessions, load_token
from tests.support.api import AppClient

TOKEN = "correct-horse-battery"


def test_a_login_session_expires_and_a_new_one_replaces_the_oldest() -> None:
    now = [0.0]
    sessions = LoginSessions(TOKEN, lambda: now[0])
    assert sessions.open("wrong") is None and sessions.open() is None
    first, *_, last = [sessions.open(TOKEN) for _ in range(MAX_SESSIONS + 1)]
    assert first and last and sessions.find(first.key) is None and sessions.find(last.key) == last
    assert last.key not in repr(last) and last.csrf not in repr(last)
    now[0] = LASTS_S
    assert sessions.find(last.key) is None


@pytest.mark.parametrize("token", ["short", "with a space in it", ""])
def test_a_weak_token_is_refused_and_not_printed(tmp_path: Path, token: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"page: {{token: {json.dumps(token)}}}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert "at least 12 characters" in caught.value.faults[0] and (not token or token not in caught.value.faults[0])
    (tmp_path / "token").write_text(token + "\n")
    with pytest.raises(ConfigError, match="at least 12 characters"):
        load_token(PageSettings(token_file=tmp_path / "token"))


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert load_token(PageSettings(token_file=tmp_path / "token")) == TOKEN
    with pytest.raises(ConfigError, match="cannot be read"):
        load_token(PageSettings(token_file=tmp_path / "none"))


def test_a_page_for_other_machines_needs_a_token() -> None:
    with pytest.raises(ValueError, match=r"page\.token or page\.token_file"):
        Settings(api=ApiSettings(host="0.0.0.0"), page=PageSettings(enabled=True))
    Settings(api=ApiSettings(host="0.0.0.0"), page=PageSettings(enabled=True, token=TOKEN))


class NoScenes:
    """A gate whose camera gives no picture."""

    def keep_watching(self) -> None:
        """Asks for nothing."""

    def scene(self) -> None:
        """Returns no scene."""


def page_without_gate(settings: Settings) -> Page:
    return create_page(settings, lambda: None, NoScenes(), lambda _: None, None)


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 200),
        ("localhost:8080", "127.0.0.1", 200),
        ("rebound.example:8080", "127.0.0.1", 403),
        ("127.0.0.1:8080", "192.168.1.9", 403),
    ],
)
def test_without_a_token_only_this_device_is_served(host: str, peer: str, status: int) -> None:
    page = page_without_gate(Settings(page=PageSettings(enabled=True)))
    client = AppClient(Starlette(routes=page.routes), peer, f"http://{host}")
    assert client.get("/page/").status_code == status
    if status == 200:
        csrf = client.get("/page/").text.partition('csrf" content="')[2].partition('"')[0]
        headers = {"Origin": f"http://{host}", "X-CSRF-Token": csrf}
        assert client.get("/page/status").json()["Health"] is None
        assert client.post("/page/lane", json={}, headers=headers).json()["Error"]["Code"] == "BadSettings"
        assert client.post("/page/lane", json={}, headers={"Origin": f"http://{host}"}).status_code == 403
    for path in ("/page/static/page.css", "/page/nowhere"):
        assert client.get(path).status_code in ((200, 404) if status == 200 else (403,))


def test_over_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    api = ApiSettings(tls_cert_file=tmp_path / "c", tls_key_file=tmp_path / "k")
    settings = Settings(api=api, page=PageSettings(enabled=True, token=TOKEN))
    page = page_without_gate(settings)
    client = AppClient(Starlette(routes=page.routes), "192.0.2.7", "https://gate.example")
    answer = client.post("/page/login", json={"Token": TOKEN}, headers={"Origin": "https://gate.example"})
    assert "; secure" in answer.headers["set-cookie"].lower()
