"""The page in a real browser: a person logs in, draws a lane, sees a vehicle pass, finds its picture.

    python -m tests.page.browser [--shots FOLDER] [--picture docs/page.png]

Needs playwright and axe-core-python, and a Chromium (``CHROMIUM`` names one; else that of PATH). Clips of our own play
for the camera, by day and dimmed to a night; phone and desktop, Chinese and English, are photographed, and every state
of the page is looked through by axe-core. Ends with 1 and a line for each thing that is not as it should be.
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

import yaml
from axe_core_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

from tests.faults.scripted_camera import NUMBERS
from tests.support.mqtt import Mosquitto
from tests.support.page_gate import TOKEN, PageGate, page_gate

WAIT_MS = 60_000
NIGHT = 0.3


@dataclass(frozen=True)
class Look:
    """How somebody looks at the page."""

    name: str
    size: tuple[int, int]
    language: Literal["en-GB", "zh-CN"]
    scheme: Literal["light", "dark"]
    scale: int

    @property
    def is_phone(self) -> bool:
        return self.size[0] < 600


LOOKS = (
    Look("desktop-en", (1366, 900), "en-GB", "light", 1),
    Look("desktop-zh", (1366, 900), "zh-CN", "dark", 1),
    Look("phone-en", (390, 844), "en-GB", "dark", 2),
    Look("phone-zh", (390, 844), "zh-CN", "light", 2),
)


@dataclass
class Proof:
    """What was found wrong so far, and where pictures go."""

    shots: Path
    faults: list[str] = field(default_factory=list)

    def check(self, is_right: bool, what: str) -> None:
        print(f"{'ok  ' if is_right else 'FAIL'}  {what}", flush=True)
        if not is_right:
            self.faults.append(what)

    def shoot(self, page: Page, name: str) -> Path:
        path = self.shots / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    def look_through(self, page: Page, where: str) -> None:
        """With axe-core; every violation is a fault."""
        violations = Axe().run(page)["violations"]
        told = "; ".join(f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:90]}" for each in violations)
        self.check(not violations, f"axe-core: {where}{': ' + told if told else ''}")


def main() -> int:
    """Run it all; the exit code."""
    parser = argparse.ArgumentParser(description="The page in a real browser.")
    parser.add_argument("--shots", type=Path, default=Path("build/page"), help="folder for the pictures")
    parser.add_argument("--picture", type=Path, help="where the README's picture goes")
    options = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("no Chromium here; on Debian: sudo apt-get install chromium; or name one in CHROMIUM", file=sys.stderr)
        return 2
    options.shots.mkdir(parents=True, exist_ok=True)
    proof = Proof(options.shots)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for time_of_day, brightness in (("day", 1.0), ("night", NIGHT)):
            with (
                broker() as port,
                tempfile.TemporaryDirectory() as folder,
                page_gate(Path(folder), port, night=brightness) as gate,
            ):
                show(proof, browser, gate, time_of_day, options.picture)
                proof.check("Traceback" not in gate.log, f"{time_of_day}: nothing broke in the service")
        browser.close()
    print(f"{len(proof.faults)} faults; pictures in {options.shots}")
    return 1 if proof.faults else 0


@contextmanager
def broker() -> Iterator[int]:
    """A real one."""
    with tempfile.TemporaryDirectory() as folder:
        mosquitto = Mosquitto(Path(folder))
        mosquitto.start()
        try:
            yield mosquitto.port
        finally:
            mosquitto.stop()


def show(proof: Proof, browser: Browser, gate: PageGate, time_of_day: str, picture: Path | None) -> None:
    """All looks at one time of day; by day the person's whole errand as well."""
    for vehicle, look in enumerate(LOOKS):
        name = f"{look.name}-{time_of_day}"
        with opened(proof, browser, gate, look, name) as page:
            if time_of_day == "day":
                draw_lane(proof, page, gate, look, name)
            see_vehicle(proof, page, gate, vehicle, name)
            shot = proof.shoot(page, name)
            proof.look_through(page, name)
            if picture is not None and name == "desktop-en-day":
                make_picture(shot, picture)
            if time_of_day == "day":
                find_crop(proof, page, NUMBERS[vehicle], name)
                log_out(proof, page, name)


@contextmanager
def opened(proof: Proof, browser: Browser, gate: PageGate, look: Look, name: str) -> Iterator[Page]:
    """The page, logged in."""
    width, height = look.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=look.language, color_scheme=look.scheme,
        device_scale_factor=look.scale, has_touch=look.is_phone, is_mobile=look.is_phone,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    outside: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(gate.origin) else outside.append(request.url))
    page.goto(gate.url)
    wait_for_text(page, "form button", "登录" if look.language == "zh-CN" else "Log in")
    proof.look_through(page, f"{name}, login")
    if name.endswith("day"):
        proof.shoot(page, f"{name}-login")
        page.fill("#token", "not-the-token-at-all")
        page.click("form button[type=submit]")
        page.wait_for_selector("#problem:not(:empty)")
        proof.check(page.locator("#tools").count() == 0, f"{name}: a wrong token is refused in words")
    page.fill("#token", TOKEN)
    page.click("form button[type=submit]")
    page.wait_for_selector("#tools")
    page.wait_for_selector("#now:not(:empty)")
    yield page
    proof.check(not errors, f"{name}: no script failed{': ' + errors[0] if errors else ''}")
    proof.check(not outside, f"{name}: nothing was asked of anybody else{': ' + outside[0] if outside else ''}")
    context.close()


def draw_lane(proof: Proof, page: Page, gate: PageGate, look: Look, name: str) -> None:
    """By tapping corners, and dragging one of them; then a line for who draws last."""
    before = gate.settings
    page.click("[data-shape=lane]")
    page.wait_for_selector("#editor:not([hidden])")
    if page.locator(".handle").count():
        page.click("#clear")
    corners = [(0.12, 0.45), (0.88, 0.45), (0.98, 0.97), (0.02, 0.97)]
    for i, (x, y) in enumerate(corners):
        if i == 2:
            page.click("#save")
            proof.check(page.locator("#problem").inner_text() != "", f"{name}: two corners are no lane, and it is said")
        tap(page, x, y, look)
    proof.check(page.locator(".handle").count() == 4, f"{name}: four taps are four corners")
    drag(page, page.locator(".handle").nth(0), 0.10, 0.40)
    page.locator(".handle").nth(1).press("ArrowRight")
    proof.shoot(page, f"{name}-drawing")
    proof.look_through(page, f"{name}, drawing")
    page.click("#save")
    page.wait_for_selector("#editor", state="hidden")
    lane = yaml.safe_load(gate.settings)["passage"]["lane"]
    wanted = [(0.10, 0.40), (0.89, 0.45), *corners[2:]]
    is_near = len(lane) == 4 and all(
        abs(x - wx) < 0.01 and abs(y - wy) < 0.01 for (x, y), (wx, wy) in zip(lane, wanted, strict=True)
    )
    proof.check(is_near, f"{name}: the lane is in the settings file: {json.dumps(lane)}")
    comments = [line.partition("#")[2] for line in before.splitlines()]
    after = [line.partition("#")[2] for line in gate.settings.splitlines()]
    proof.check(comments == after, f"{name}: its comments are all there, in their order")


def tap(page: Page, x: float, y: float, look: Look) -> None:
    box = box_of(page)
    place = (box["x"] + x * box["width"], box["y"] + y * box["height"])
    if look.is_phone:
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


def see_vehicle(proof: Proof, page: Page, gate: PageGate, vehicle: int, name: str) -> None:
    """Until its plate is in the picture and its passage in the list."""
    number = NUMBERS[vehicle]
    for _ in range(4):
        gate.camera.play("vehicle", vehicle)
        if appears(page, "#passages", number, 9_000):
            break
    seen = page.locator("#passages .number").all_text_contents()
    proof.check(number in seen, f"{name}: the passage of {number} appears: {seen[:3]}")
    gate.camera.play("vehicle", vehicle)
    read = appears(page, "#now", number, 15_000)
    proof.check(read, f"{name}: its reading is told below the picture")
    fits = page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    proof.check(fits, f"{name}: nothing sticks out to the side")


def appears(page: Page, selector: str, text: str, timeout_ms: float) -> bool:
    try:
        wait_for_text(page, selector, text, timeout_ms)
    except NotInTime:
        return False
    return True


def wait_for_text(page: Page, selector: str, text: str, timeout_ms: float = WAIT_MS) -> None:
    """A function, as the page's policy lets no text be run as a script."""
    has = "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)"
    page.wait_for_function(has, arg=[selector, text], timeout=timeout_ms)


def wait_for_picture(page: Page, selector: str) -> None:
    loaded = "selector => ((image) => image.complete && image.naturalWidth > 40)(document.querySelector(selector))"
    page.wait_for_function(loaded, arg=selector)


def find_crop(proof: Proof, page: Page, number: str, name: str) -> None:
    page.locator("#passages button", has_text=number).first.click()
    page.wait_for_selector("#viewer[open]")
    wait_for_picture(page, "#viewer-crop")
    proof.check(True, f"{name}: the crop of {number} is shown")
    wait_for_picture(page, "#viewer-frame")
    proof.shoot(page, f"{name}-crop")
    proof.look_through(page, f"{name}, crop")
    page.click("#viewer-delete")
    page.click("#viewer-delete")
    page.wait_for_selector("#viewer", state="hidden")
    proof.check(not page.locator("#viewer").is_visible(), f"{name}: and deleted at a second tap")


def log_out(proof: Proof, page: Page, name: str) -> None:
    stolen = page.context.cookies()
    page.click("#logout")
    page.wait_for_selector("#token")
    page.context.add_cookies(stolen)
    page.reload()
    proof.check(page.locator("#token").count() == 1, f"{name}: after the logout the old cookie opens nothing")


def make_picture(shot: Path, target: Path) -> None:
    """The README's: small, and of few colours."""
    with Image.open(shot) as image:
        small = image.convert("RGB").resize((960, round(image.height * 960 / image.width)), Image.Resampling.LANCZOS)
        few = small.quantize(256, Image.Quantize.MEDIANCUT, kmeans=4, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
    print(f"wrote {target} ({target.stat().st_size / 1024:.0f} KiB)")


if __name__ == "__main__":
    sys.exit(main())
