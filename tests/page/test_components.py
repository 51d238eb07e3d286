"""Parts of the page that need no gate: sessions, the token, advice, languages, words, names of pictures."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.applications import Starlette

from edge_lpr.config import ApiSettings, PageSettings, PassageSettings, Settings, load_settings
from edge_lpr.config.reload import ReloadRequests
from edge_lpr.errors import ConfigError
from edge_lpr.evidence.picture_access import PictureName
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.page.build import create_page
from edge_lpr.page.camera_advice import COMFORTABLE_WIDTH, CameraAdvisor
from edge_lpr.page.encoding import SceneEncoder
from edge_lpr.page.login_sessions import LASTS_S, MAX_SESSIONS, LoginSessions, load_token
from edge_lpr.page.scene import FollowedTrack, Scene, SceneBuffer, ScenePlate
from edge_lpr.page.static_files import language_of, static_files
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
TOKEN = "correct-horse-battery"


class AppClient:
    """The application without a socket, at ``url``, asked by ``peer``; it keeps cookies."""

    def __init__(self, app: Starlette, url: str, peer: str = "192.0.2.7") -> None:
        self._transport = httpx.ASGITransport(app=app, client=(peer, 40000))
        self._url = url
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url=self._url, cookies=self._cookies
            ) as client:
                answer = await client.request(method, path, **more)
                self._cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def scene_of(image: NDArray[np.uint8], reader: PlateReader, like: Scene | None = None) -> Scene:
    """What a frame loop would show of ``image``; ``like`` lends its plates where blur leaves none to be read."""
    plates = (
        like.plates
        if like
        else tuple(ScenePlate(each, FollowedTrack(1, None, 1, False)) for each in reader.read(image))
    )
    return Scene(Frame(image, 0, 0.0, NOON, "camera"), plates, ())


def codes(scene: Scene) -> dict[str, str]:
    return {each.topic: each.code for each in CameraAdvisor(PassageSettings(), 60).advise(scene)}


def test_a_session_ends_by_itself_and_the_oldest_makes_room() -> None:
    now = [0.0]
    sessions = LoginSessions(TOKEN, lambda: now[0])
    assert sessions.open("wrong") is None and sessions.open() is None
    first, *_, last = [sessions.open(TOKEN) for _ in range(MAX_SESSIONS + 1)]
    assert first and last and sessions.find(first.key) is None and sessions.find(last.key) == last
    assert last.key not in repr(last) and last.csrf not in repr(last)
    now[0] = LASTS_S
    assert sessions.find(last.key) is None


@pytest.mark.parametrize("token", ["short", "with a space in it", ""])
def test_a_weak_token_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"page: {{token: {json.dumps(token)}}}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert "at least 12 characters" in caught.value.faults[0] and (not token or token not in caught.value.faults[0])
    (tmp_path / "token").write_text(token + "\n")
    with pytest.raises(ConfigError, match="at least 12 characters"):
        load_token(PageSettings(token_file=tmp_path / "token"))


def test_the_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert load_token(PageSettings(token_file=tmp_path / "token")) == TOKEN
    with pytest.raises(ConfigError, match="cannot be read"):
        load_token(PageSettings(token_file=tmp_path / "none"))


def test_a_page_for_others_needs_a_token() -> None:
    with pytest.raises(ValueError, match=r"page\.token or page\.token_file"):
        Settings(api=ApiSettings(host="0.0.0.0"), page=PageSettings(enabled=True))
    Settings(api=ApiSettings(host="0.0.0.0"), page=PageSettings(enabled=True, token=TOKEN))


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 200),
        ("localhost:8080", "127.0.0.1", 200),
        ("rebound.example:8080", "127.0.0.1", 403),
        ("127.0.0.1:8080", "192.168.1.9", 403),
    ],
)
def test_without_a_token_this_device_alone_is_served(host: str, peer: str, status: int) -> None:
    page = create_page(Settings(page=PageSettings(enabled=True)), lambda: None, ReloadRequests(), None)
    assert page is not None
    client = AppClient(Starlette(routes=page.routes), f"http://{host}", peer)
    assert client.get("/page/").status_code == status
    if status == 200:
        csrf = client.get("/page/").text.partition('csrf" content="')[2].partition('"')[0]
        headers = {"Origin": f"http://{host}", "X-CSRF-Token": csrf}
        assert client.get("/page/status").json()["Health"] is None
        assert client.post("/page/lane", json={}, headers=headers).json()["Error"]["Code"] == "BadSettings"
        assert client.post("/page/lane", json={}, headers={"Origin": f"http://{host}"}).status_code == 403
    for path in ("/page/static/page.css", "/page/nowhere"):
        assert client.get(path).status_code in ((200, 404) if status == 200 else (403,))


def test_over_tls_the_cookie_is_for_tls_alone(tmp_path: Path) -> None:
    api = ApiSettings(tls_cert_file=tmp_path / "c", tls_key_file=tmp_path / "k")
    settings = Settings(api=api, page=PageSettings(enabled=True, token=TOKEN))
    page = create_page(settings, lambda: None, ReloadRequests(), None)
    assert page is not None
    client = AppClient(Starlette(routes=page.routes), "https://gate.example")
    answer = client.post("/page/login", json={"Token": TOKEN}, headers={"Origin": "https://gate.example"})
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_nothing_is_kept_while_nobody_watches(plate_photo: bytes, reader: PlateReader) -> None:
    image = load_image(plate_photo)
    watch, frame = SceneBuffer(), Frame(image, 0, 0.0, NOON, "camera")
    watch.add_frame(frame, [], [])
    assert watch.newest() is None
    watch.keep_active()
    watch.add_frame(frame, reader.read(image), [])
    newest = watch.newest()
    assert newest is not None and newest[1].plates[0].followed is None


@pytest.fixture(scope="module")
def near() -> NDArray[np.uint8]:
    """A frame of the demo clip with a plate close by."""
    clip = cv2.VideoCapture(str(demo_clip()))
    for _ in range(54):
        clip.grab()
    return np.asarray(clip.read()[1], np.uint8)


def test_advice_tells_what_to_change(near: NDArray[np.uint8], reader: PlateReader) -> None:
    image = near
    scene = scene_of(image, reader)
    width = scene.plates[0].reading.quad.width
    good = codes(scene)
    assert good["sharpness"] == "sharp" and good["light"] == "lit" and good["angle"] == "straight"
    assert good["width"] == ("narrow" if width < COMFORTABLE_WIDTH else "wide")
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 5), np.uint8)
    assert codes(scene_of(blurred, reader, scene))["sharpness"] == "blurred"
    dark = (image * 0.12).astype(np.uint8)
    assert codes(scene_of(dark, reader, scene))["light"] == "dark"
    glaring = np.clip(image * 4.0, 0, 255).astype(np.uint8)
    assert codes(scene_of(glaring, reader, scene))["light"] == "glaring"
    turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 20, 1.0)
    turned = np.asarray(cv2.warpAffine(image, turn, (image.shape[1], image.shape[0])), np.uint8)
    assert codes(scene_of(turned, reader))["angle"] == "tilted"
    far = replace(scene, plates=(), narrow=(scene.plates[0].reading.quad,))
    assert {each.code for each in CameraAdvisor(PassageSettings(), 400).advise(far)} >= {"too-narrow"}
    empty = replace(scene, plates=())
    assert set(codes(empty).values()) == {"no-plate"}
    outside = PassageSettings(lane=((0, 0), (0.01, 0), (0, 0.01)))
    assert CameraAdvisor(outside, 400).advise(far)[0].code == "no-plate"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9,zh;q=0.5", "en"), ("de,zh;q=0.3", "zh"), ("de", "en"),
        ("", "en"), ("en;q=0.2, zh;q=0.7", "zh"), ("zh;q=banana", "zh"),
    ],
)  # fmt: skip
def test_the_browsers_language_is_spoken(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


def test_both_languages_have_all_words() -> None:
    words = static_files()["words.js"].content.decode()
    english, chinese = (
        dict(re.findall(r'"([\w-]+)": "((?:[^"\\]|\\.)*)"', words.partition(f"  {name}: {{")[2].partition("\n  },")[0]))
        for name in ("en", "zh")
    )
    assert len(english) > 100 and english.keys() == chinese.keys()
    for name, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", chinese[name])), name
    used = set()
    for file in static_files().values():
        used |= set(re.findall(r'word\("([\w-]+)"', file.content.decode()))
    assert used <= english.keys()


def test_the_page_asks_nobody_else() -> None:
    for name, file in static_files().items():
        assert not re.search(rb"https?:|[\"'(]//", file.content.replace(b"http://www.w3.org/2000/svg", b"")), name


@pytest.mark.parametrize(
    ("day", "file"),
    [
        ("2025-03-01", "081502480-京AF0236-crop.jpg\n"), ("2025-03-01", "../081502480-京AF0236-crop.jpg"),
        ("..", "081502480-京AF0236-crop.jpg"), ("2025-13-01", "081502480-京AF0236-crop.jpg"),
        ("2025-03-01", "081502480-京A/0236-crop.jpg"), ("2025-03-01", "081502480-.-crop.jpg"),
        ("2025-03-01\n", "081502480-京AF0236-crop.jpg"), ("٢٠٢٥-03-01", "081502480-京AF0236-crop.jpg"),
    ],
)  # fmt: skip
def test_names_of_pictures_are_strict(day: str, file: str) -> None:
    with pytest.raises(ValueError):
        PictureName(day, file)


def test_a_picture_is_found_by_what_the_message_says() -> None:
    name = PictureName("2025-03-01", "081502480-京AF0236-crop.jpg")
    url = httpx.URL("https://gate.example/evidence/" + name.reference)
    assert PictureName.from_reference(name.reference) == PictureName.from_reference(str(url)) == name
    assert name.number == "京AF0236"


def test_without_images_only_the_readings_are_shown(near: NDArray[np.uint8], reader: PlateReader) -> None:
    scene = scene_of(near, reader)
    for images in (True, False):
        piece = SceneEncoder(CameraAdvisor(PassageSettings(), 60), 320, images=images).encode(7, scene)
        length = int.from_bytes(piece[:4])
        told, jpeg = json.loads(piece[4 : 4 + length]), piece[4 + length :]
        assert told["View"] == 7 and told["Plates"][0]["Number"]
        assert bool(jpeg) == images


def test_plates_too_narrow_to_read_are_told_of_and_lamps_are_not(near: NDArray[np.uint8], reader: PlateReader) -> None:
    narrow: list[Quad] = []
    assert reader.read(near, min_plate_width=400, on_narrow_plates=narrow.extend) == []
    assert len(narrow) == 1 and narrow[0].width == pytest.approx(150, rel=0.1)
