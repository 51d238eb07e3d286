"""The page of a running gate: access, live picture, passages, pictures, and changes of the lane."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from edge_lpr.config import load_settings
from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.page.security import HEADERS, LOGINS_PER_MINUTE, REQUESTS_PER_SECOND
from tests.support.page_gate import TOKEN, PageGate, logged_in

LANE = [[0.1, 0.3], [0.9, 0.3], [1, 1], [0, 1]]
DEADLINE_S = 20.0
VEHICLES = itertools.count(2)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["Error"]["Code"])


def raw(gate: PageGate, target: str, *headers: str) -> bytes:
    """Returns the answer to a request target that no HTTP client sends."""
    with socket.create_connection(("127.0.0.1", gate.port), 10) as link:
        lines = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{gate.port}", "Connection: close", *headers, "", ""]
        link.sendall("\r\n".join(lines).encode())
        return b"".join(iter(lambda: link.recv(65536), b""))


def from_another_address(gate: PageGate, address: str) -> httpx.Client:
    """Returns a client with its own source address, whose requests have their own rate limit."""
    headers = {"Origin": gate.origin}
    return httpx.Client(
        base_url=gate.url, headers=headers, transport=httpx.HTTPTransport(local_address=address), timeout=30
    )


def next_scene(client: httpx.Client, after: int = 0, viewer: str = "test") -> tuple[dict[str, Any], bytes]:
    answer = client.get("live", params={"viewer": viewer, "after": after})
    assert answer.status_code == 200, answer.text
    length = int.from_bytes(answer.content[:4])
    return json.loads(answer.content[4 : 4 + length]), answer.content[4 + length :]


def next_passage(client: httpx.Client, gate: PageGate) -> dict[str, Any]:
    """Plays vehicles until a new passage is listed. Each is another vehicle, because the last may still be tracked."""
    count = client.get("status").json()["PassageCount"]
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        gate.camera.play("vehicle", next(VEHICLES))
        for _ in range(12):
            time.sleep(0.25)
            if client.get("status").json()["PassageCount"] > count:
                newest: dict[str, Any] = client.get("passages").json()["Passages"][0]
                return newest
    raise TimeoutError(gate.log)


def test_a_client_without_a_login_gets_the_login_form_only(logged_out: httpx.Client) -> None:
    login = logged_out.get("")
    assert login.status_code == 401
    assert 'id="token"' in login.text and "csrf" not in login.text
    for path in ("live", "status", "passages", "evidence/2025-03-01/081502480-京AF0236-crop.jpg"):
        assert (logged_out.get(path).status_code, code(logged_out.get(path))) == (401, "LoggedOut")
    for method, path in (
        ("POST", "lane"),
        ("POST", "logout"),
        ("DELETE", "evidence/2025-03-01/081502480-京AF0236-crop.jpg"),
    ):
        assert logged_out.request(method, path, json={}).status_code == 401


def test_every_answer_has_the_security_headers(logged_out: httpx.Client, client: httpx.Client) -> None:
    for answer in (
        logged_out.get(""),
        client.get(""),
        client.get("status"),
        client.get("nowhere"),
        client.put("status"),
    ):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, answer.url
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_a_wrong_token_is_refused_and_logins_are_limited(gate: PageGate) -> None:
    with from_another_address(gate, "127.0.0.2") as guesser:
        for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "京" * 12)[:LOGINS_PER_MINUTE]:
            assert code(guesser.post("login", json={"Token": wrong})) == "WrongToken"
        answer = guesser.post("login", json={"Token": TOKEN})
        assert (answer.status_code, code(answer)) == (429, "TooManyLogins")
    with logged_in(gate) as client:
        assert client.get("status").status_code == 200
    assert TOKEN not in gate.log


def test_the_cookie_is_limited_to_the_page_and_hidden_from_scripts(gate: PageGate) -> None:
    with httpx.Client(base_url=gate.url, headers={"Origin": gate.origin}) as client:
        cookie = client.post("login", json={"Token": TOKEN}).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/page/"):
        assert part in cookie


def test_after_the_logout_the_cookie_is_invalid(gate: PageGate, logged_out: httpx.Client) -> None:
    with logged_in(gate) as client:
        logged_out.cookies.update(client.cookies)
        assert logged_out.get("status").status_code == 200
        assert client.post("logout").status_code == 204
    cookies = dict(logged_out.cookies)
    assert cookies and logged_out.get("status").status_code == 401
    logged_out.cookies.set("edge-lpr-page", "x" * 43, domain="127.0.0.1", path="/page/")
    assert logged_out.get("", headers={"Cookie": "edge-lpr-page=forged"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": ""}, 403),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "x" * 43}, 403),
        ({"X-CSRF-Token": "京".encode()}, 403),
        ({}, 200),
    ],
)
def test_a_change_needs_the_origin_and_the_csrf_token_of_the_page(
    client: httpx.Client, gate: PageGate, headers: dict[str, Any], status: int
) -> None:
    before = gate.settings
    assert client.post("lane", json={}, headers=headers).status_code == status
    assert client.post("logout", headers=headers).status_code == (status if status == 403 else 204)
    assert gate.settings == before


def test_a_login_from_another_site_is_refused(logged_out: httpx.Client) -> None:
    answer = logged_out.post("login", json={"Token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "evidence/../../config.yaml", "evidence/%2e%2e/config.yaml", "evidence/..%2f../config.yaml",
        "evidence/2025-03-01/..%2f..%2f..%2fconfig.yaml", "evidence/2025-03-01/%2e%2e%2f%2e%2e%2fconfig.yaml",
        "evidence/2025-03-01/081502480-A%2f..-crop.jpg", "evidence/2025-03-01/081502480-A-crop.jpg%00",
        "evidence/2025-03-01/081502480-A-crop.jpg%0a", "evidence/2025-99-99/081502480-A-crop.jpg",
        "evidence//etc/passwd", "static/../app.py", "static/..%2fapp.py", "static/page.html",
        "static/%2e%2e%2f__init__.py", "..%2f..%2fconfig.yaml",
    ],
)  # fmt: skip
def test_no_path_reaches_other_files(client: httpx.Client, gate: PageGate, path: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    answer = raw(gate, f"/page/{path}", f"Cookie: {cookie}")
    assert answer.startswith(b"HTTP/1.1 404"), answer[:200]
    assert TOKEN.encode() not in answer and b"import" not in answer


def test_the_requests_of_an_address_are_limited(gate: PageGate, client: httpx.Client) -> None:
    with from_another_address(gate, "127.0.0.3") as flood, ThreadPoolExecutor(8) as pool:
        began_s = time.monotonic()
        statuses = Counter(pool.map(lambda _: flood.get("status").status_code, range(1000)))
        lasted_s = time.monotonic() - began_s
    assert set(statuses) == {401, 429}
    assert statuses[401] <= REQUESTS_PER_SECOND * (lasted_s + 1)
    assert client.get("status").status_code == 200


def test_the_live_picture_comes_with_its_plates(gate: PageGate, client: httpx.Client) -> None:
    gate.camera.play("vehicle", 1)
    view = 0
    for _ in range(100):
        scene, jpeg = next_scene(client, view)
        assert scene["View"] != view
        view = scene["View"]
        if scene["Plates"] and scene["Plates"][0]["Vote"]:
            break
    plate = scene["Plates"][0]
    assert plate["Number"] and plate["Confidence"] > 0 and plate["Track"] and plate["PlateWidth"] > 40
    assert all(0 <= value <= 1 for corner in plate["Corners"] for value in corner)
    assert {each["Topic"] for each in scene["Advice"]} == {"width", "sharpness", "light", "angle"}
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape == (540, 960, 3)


def test_the_number_of_viewers_is_limited(client: httpx.Client) -> None:
    for viewer in ("test", "b"):  # the viewers of the test before and of this one
        next_scene(client, viewer=viewer)
    answer = client.get("live", params={"viewer": "c"})
    assert (answer.status_code, code(answer)) == (503, "TooManyViewers")


def test_the_pictures_of_a_passage_can_be_seen_and_deleted(
    gate: PageGate, client: httpx.Client, logged_out: httpx.Client
) -> None:
    passage = next_passage(client, gate)
    path = f"evidence/{passage['Crop']}"
    crop = client.get(path)
    assert crop.headers["content-type"] == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(crop.content, np.uint8), cv2.IMREAD_COLOR) is not None
    assert client.get(path.replace("-crop", "-frame")).status_code == 200
    assert client.delete(path, headers={"X-CSRF-Token": ""}).status_code == 403
    assert logged_out.delete(path).status_code == 401
    assert client.delete(path).json() == {"Deleted": 2}
    assert client.get(path).status_code == 404
    assert passage["Crop"] not in [each["Crop"] for each in client.get("passages").json()["Passages"]]
    assert not list(gate.folder.glob(f"state/evidence/{passage['Crop'].rpartition('-')[0]}*"))


def test_a_symbolic_link_among_the_pictures_is_not_followed(gate: PageGate, client: httpx.Client) -> None:
    passage = next_passage(client, gate)
    crop = gate.folder / "state" / "evidence" / passage["Crop"]
    link = crop.with_name("000000001-京A12345-crop.jpg")
    link.symlink_to(gate.config)
    assert client.get(f"evidence/{crop.parent.name}/{link.name}").status_code == 404


def test_a_new_lane_is_applied_and_saved_beside_the_settings(gate: PageGate, client: httpx.Client) -> None:
    before = gate.settings
    answer = client.post("lane", json={"Lane": LANE, "Ignore": [], "Line": [[0, 0.7], [1, 0.7]], "LineIn": "up"})
    assert answer.json() == {"Applied": ["passage.lane", "passage.line", "passage.line_in"], "NeedRestart": []}
    assert client.get("status").json()["Lane"] == {
        "Lane": LANE, "Ignore": [], "Line": [[0, 0.7], [1, 0.7]], "LineIn": "up",
    }  # fmt: skip
    assert gate.settings == before, "the settings belong to root"
    assert load_settings(gate.config, {}).passage.lane == ()
    assert [list(point) for point in SettingsFile(gate.config, {}).load().passage.lane] == LANE
    assert client.post("lane", json={"Lane": [], "Line": [], "LineIn": "down"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Lane": [[0, 0], [1, 1]]}, "passage.lane: given [[0, 0], [1, 1]]; allowed: three points"),
        ({"Lane": [[0, 0], [1, 1], [2, 0]]}, "passage.lane"),
        ({"Lane": "all"}, "passage.lane"),
        ({"Lane": [[[[0]]]]}, "lists in lists"),
        ({"Line": [[0, 0.5], [1, 0.5]], "LineIn": "left"}, "a direction across passage.line"),
        ({"LineIn": "in\n  lane: []"}, "passage.line_in"),
        ({"Ignore": [[[0, 0]]]}, "a list of areas"),
        ({"Token": "x"}, "no such setting"),
    ],
)
def test_an_invalid_lane_is_refused_with_a_message_of_one_line(
    gate: PageGate, client: httpx.Client, change: dict[str, Any], words: str
) -> None:
    before = gate.settings
    answer = client.post("lane", json=change)
    assert (answer.status_code, code(answer)) == (422, "BadSettings")
    message = answer.json()["Error"]["Message"]
    assert words in message and "\n" not in message
    assert gate.settings == before and not list(gate.folder.glob(".*part"))


def test_large_and_malformed_bodies_are_refused(client: httpx.Client) -> None:
    assert client.post("lane", content=b"x" * 100_000).status_code == 413
    for content in (b"", b"[]", b"{", b"\xff", b"[" * 50_000):
        assert client.post("lane", content=content).status_code == 400


def test_the_gate_stops_while_a_viewer_is_connected(gate: PageGate) -> None:
    """Must be the last test of the file, because it stops the gate."""
    with logged_in(gate) as client, ThreadPoolExecutor(1) as pool:
        view = next_scene(client)[0]["View"]
        watching = pool.submit(_watch_until_the_gate_stops, client, view)
        gate.process.terminate()
        assert gate.process.wait(30) == 0
        watching.result(30)
    assert "Traceback" not in gate.log


def _watch_until_the_gate_stops(client: httpx.Client, view: int) -> None:
    while True:
        try:
            answer = client.get("live", params={"viewer": "test", "after": view})
        except httpx.TransportError:
            return
        if answer.status_code == 200:
            view = int(answer.content[4:40].partition(b":")[2].partition(b",")[0])
