"""The page in a real browser: log in, draw a lane, see a vehicle pass, open its picture.

    python -m tests.page.browser [--shots FOLDER] [--picture docs/page.png]

Needs playwright, axe-core-python, and Chromium from ``CHROMIUM`` or PATH. The scripted camera plays clips by day, and
darker as at night. Screenshots are taken on desktop and phone, in Chinese and English. axe-core checks the
accessibility of every state of the page. Prints a line for each check. Exit code 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_core_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as BrowserTimeout

from edge_lpr.config.settings_file import SettingsFile
from tests.faults.scripted_camera import NUMBERS
from tests.support.mqtt import Mosquitto
from tests.support.page_gate import TOKEN, PageGate, page_gate

WAIT_MS = 60_000
NIGHT = 0.3


@dataclass(frozen=True)
class Device:
    """A screen and the preferences of its browser."""

    name: str
    size: tuple[int, int]
    language: Literal["en-GB", "zh-CN"]
    scheme: Literal["light", "dark"]
    scale: int

    @property
    def is_phone(self) -> bool:
        return self.size[0] < 600


DEVICES = (
    Device("desktop-en", (1366, 900), "en-GB", "light", 1),
    Device("desktop-zh", (1366, 900), "zh-CN", "dark", 1),
    Device("phone-en", (390, 844), "en-GB", "dark", 2),
    Device("phone-zh", (390, 844), "zh-CN", "light", 2),
)


@dataclass
class Checks:
    """The failed checks so far, and the folder of the screenshots."""

    shots: Path
    failures: list[str] = field(default_factory=list)

    def check(self, is_right: bool, what: str) -> None:
        print(f"{'ok  ' if is_right else 'FAIL'}  {what}", flush=True)
        if not is_right:
            self.failures.append(what)

    def take_screenshot(self, page: Page, name: str) -> Path:
        path = self.shots / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    def check_accessibility(self, page: Page, where: str) -> None:
        """Runs axe-core. Every violation is a failure."""
        violations = Axe().run(page)["violations"]
        details = "; ".join(f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:90]}" for each in violations)
        self.check(not violations, f"axe-core: {where}{': ' + details if details else ''}")


def main() -> int:
    """Runs all checks. Returns the exit code."""
    parser = argparse.ArgumentParser(description="The page in a real browser.")
    parser.add_argument("--shots", type=Path, default=Path("build/page"), help="folder for the screenshots")
    parser.add_argument("--picture", type=Path, help="file for the picture of the README")
    options = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print(
            "Chromium is not installed; on Debian: sudo apt-get install chromium; or set CHROMIUM to the program",
            file=sys.stderr,
        )
        return 2
    options.shots.mkdir(parents=True, exist_ok=True)
    checks = Checks(options.shots)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for time_of_day, brightness in (("day", 1.0), ("night", NIGHT)):
            with (
                broker() as port,
                tempfile.TemporaryDirectory() as folder,
                page_gate(Path(folder), port, brightness=brightness) as gate,
            ):
                check_all_devices(checks, browser, gate, time_of_day, options.picture)
                checks.check("Traceback" not in gate.log, f"{time_of_day}: no exception in the service")
        browser.close()
    print(f"{len(checks.failures)} checks failed; screenshots in {options.shots}")
    return 1 if checks.failures else 0


@contextmanager
def broker() -> Iterator[int]:
    """Runs a broker and returns its port."""
    with tempfile.TemporaryDirectory() as folder:
        mosquitto = Mosquitto(Path(folder))
        mosquitto.start()
        try:
            yield mosquitto.port
        finally:
            mosquitto.stop()


def check_all_devices(checks: Checks, browser: Browser, gate: PageGate, time_of_day: str, picture: Path | None) -> None:
    """Checks all devices at one time of day. By day it also draws a lane, opens and deletes a picture, and logs out."""
    for vehicle, device in enumerate(DEVICES):
        name = f"{device.name}-{time_of_day}"
        with opened(checks, browser, gate, device, name) as page:
            if time_of_day == "day":
                draw_lane(checks, page, gate, device, name)
            check_passage(checks, page, gate, vehicle, name)
            shot = checks.take_screenshot(page, name)
            checks.check_accessibility(page, name)
            if picture is not None and name == "desktop-en-day":
                make_picture(shot, picture)
            if time_of_day == "day":
                check_crop(checks, page, NUMBERS[vehicle], name)
                log_out(checks, page, name)


@contextmanager
def opened(checks: Checks, browser: Browser, gate: PageGate, device: Device, name: str) -> Iterator[Page]:
    """Opens the page on a device and logs in. Checks that no script fails and that no other host is contacted."""
    width, height = device.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=device.language, color_scheme=device.scheme,
        device_scale_factor=device.scale, has_touch=device.is_phone, is_mobile=device.is_phone,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    other_hosts: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(gate.origin) else other_hosts.append(request.url))
    page.goto(gate.url)
    wait_for_text(page, "form button", "登录" if device.language == "zh-CN" else "Log in")
    checks.check_accessibility(page, f"{name}, login")
    if name.endswith("day"):
        checks.take_screenshot(page, f"{name}-login")
        page.fill("#token", "not-the-token-at-all")
        page.click("form button[type=submit]")
        page.wait_for_selector("#problem:not(:empty)")
        checks.check(page.locator("#tools").count() == 0, f"{name}: a wrong token is refused with a message")
    page.fill("#token", TOKEN)
    page.click("form button[type=submit]")
    page.wait_for_selector("#tools")
    page.wait_for_selector("#now:not(:empty)")
    yield page
    checks.check(not errors, f"{name}: no script failed{': ' + errors[0] if errors else ''}")
    checks.check(not other_hosts, f"{name}: no other host was contacted{': ' + other_hosts[0] if other_hosts else ''}")
    context.close()


def draw_lane(checks: Checks, page: Page, gate: PageGate, device: Device, name: str) -> None:
    """Draws a lane: taps four corners, drags one, moves one by key, saves."""
    before = gate.settings
    page.click("[data-shape=lane]")
    page.wait_for_selector("#editor:not([hidden])")
    if page.locator(".handle").count():
        page.click("#clear")
    corners = [(0.12, 0.45), (0.88, 0.45), (0.98, 0.97), (0.02, 0.97)]
    for i, (x, y) in enumerate(corners):
        if i == 2:
            page.click("#save")
            checks.check(page.locator("#problem").inner_text() != "", f"{name}: two corners are refused with a message")
        tap(page, x, y, device)
    checks.check(page.locator(".handle").count() == 4, f"{name}: four taps give four corners")
    drag(page, page.locator(".handle").nth(0), 0.10, 0.40)
    page.locator(".handle").nth(1).press("ArrowRight")
    checks.take_screenshot(page, f"{name}-drawing")
    checks.check_accessibility(page, f"{name}, drawing")
    page.click("#save")
    page.wait_for_selector("#editor", state="hidden")
    lane = SettingsFile(gate.config, {}).load().passage.lane
    expected = [(0.10, 0.40), (0.89, 0.45), *corners[2:]]
    is_near = len(lane) == 4 and all(
        abs(x - wx) < 0.01 and abs(y - wy) < 0.01 for (x, y), (wx, wy) in zip(lane, expected, strict=True)
    )
    checks.check(is_near, f"{name}: the lane is saved: {json.dumps(lane)}")
    checks.check(gate.settings == before, f"{name}: the settings file stays as it is")


def tap(page: Page, x: float, y: float, device: Device) -> None:
    box = box_of(page)
    place = (box["x"] + x * box["width"], box["y"] + y * box["height"])
    if device.is_phone:
        page.touchscreen.tap(*place)
    else:
        page.mouse.click(*place)


def drag(page: Page, handle: Any, x: float, y: float) -> None:
    box, start = box_of(page), handle.bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
    page.mouse.up()


def box_of(page: Page) -> Any:
    page.locator("#picture").scroll_into_view_if_needed()
    return page.locator("#picture").bounding_box()


def check_passage(checks: Checks, page: Page, gate: PageGate, vehicle: int, name: str) -> None:
    """Plays a vehicle until its passage is in the list and its reading below the picture."""
    number = NUMBERS[vehicle]
    for _ in range(4):
        gate.camera.play("vehicle", vehicle)
        if appears(page, "#passages", number, 9_000):
            break
    seen = page.locator("#passages .number").all_text_contents()
    checks.check(number in seen, f"{name}: the passage of {number} appears: {seen[:3]}")
    gate.camera.play("vehicle", vehicle)
    read = appears(page, "#now", number, 15_000)
    checks.check(read, f"{name}: its reading is shown below the picture")
    fits = page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    checks.check(fits, f"{name}: the page is not wider than the screen")


def appears(page: Page, selector: str, text: str, timeout_ms: float) -> bool:
    try:
        wait_for_text(page, selector, text, timeout_ms)
    except BrowserTimeout:
        return False
    return True


def wait_for_text(page: Page, selector: str, text: str, timeout_ms: float = WAIT_MS) -> None:
    """Passes a function, because the content security policy of the page forbids scripts as text."""
    has = "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)"
    page.wait_for_function(has, arg=[selector, text], timeout=timeout_ms)


def wait_for_picture(page: Page, selector: str) -> None:
    loaded = "selector => ((image) => image.complete && image.naturalWidth > 40)(document.querySelector(selector))"
    page.wait_for_function(loaded, arg=selector)


def check_crop(checks: Checks, page: Page, number: str, name: str) -> None:
    page.locator("#passages button", has_text=number).first.click()
    page.wait_for_selector("#viewer[open]")
    wait_for_picture(page, "#viewer-crop")
    checks.check(True, f"{name}: the crop of {number} is shown")
    wait_for_picture(page, "#viewer-frame")
    checks.take_screenshot(page, f"{name}-crop")
    checks.check_accessibility(page, f"{name}, crop")
    page.click("#viewer-delete")
    page.click("#viewer-delete")
    page.wait_for_selector("#viewer", state="hidden")
    checks.check(not page.locator("#viewer").is_visible(), f"{name}: a second tap deletes it")


def log_out(checks: Checks, page: Page, name: str) -> None:
    cookies = page.context.cookies()
    page.click("#logout")
    page.wait_for_selector("#token")
    page.context.add_cookies(cookies)
    page.reload()
    checks.check(page.locator("#token").count() == 1, f"{name}: after the logout the old cookie is invalid")


def make_picture(shot: Path, target: Path) -> None:
    """Writes the picture of the README: small, with few colours."""
    with Image.open(shot) as image:
        small = image.convert("RGB").resize((960, round(image.height * 960 / image.width)), Image.Resampling.LANCZOS)
        few = small.quantize(256, Image.Quantize.MEDIANCUT, kmeans=4, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
    print(f"wrote {target} ({target.stat().st_size / 1024:.0f} KiB)")


if __name__ == "__main__":
    sys.exit(main())
