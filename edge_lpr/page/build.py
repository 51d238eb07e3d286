"""The page of one service, put together from its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute

from edge_lpr.config import Settings
from edge_lpr.evidence.keeper import evidence_folder
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.page.backend import PageBackend, Save
from edge_lpr.page.camera_advice import CameraAdvisor
from edge_lpr.page.encoding import SceneEncoder
from edge_lpr.page.live_view import LiveView
from edge_lpr.page.login_sessions import load_token
from edge_lpr.page.recent_passages import RecentPassages
from edge_lpr.page.routes import create_page_routes
from edge_lpr.page.scene import SceneBuffer
from edge_lpr.passages import Passage
from edge_lpr.readings import PlateReading
from edge_lpr.service.health import Health
from edge_lpr.service.reload import ReloadRequests
from edge_lpr.tracking.track import Track


@dataclass(frozen=True)
class Page:
    """What the service, its frame loop and its server have to do with."""

    routes: Sequence[BaseRoute]
    desk: PageBackend
    watch: SceneBuffer
    pictures: SceneEncoder
    live: LiveView

    def see(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """A frame was read and followed up."""
        self.watch.see(frame, readings, tracks)

    def passed_over(self, quads: list[Quad]) -> None:
        """The plates of a frame that are too narrow to be read."""
        self.watch.passed_over(quads)

    def note(self, passage: Passage, sequence: int) -> None:
        """A passage was published."""
        self.desk.recent.note(passage, sequence)

    def apply(self, settings: Settings) -> None:
        """Other settings are in force."""
        self.desk.settings = settings
        self.pictures.apply(settings.passage)

    def close(self) -> None:
        """Let no viewer wait any longer."""
        self.live.close()


def open_page(
    settings: Settings, health: Callable[[], Health | None], reloads: ReloadRequests, save: Save | None
) -> Page | None:
    """The page, None where it is switched off. Raises ConfigError for a token's file that cannot be used."""
    if not settings.page.enabled:
        return None
    token = load_token(settings.page)
    folder = evidence_folder(settings.evidence, settings.device)

    def told_health() -> JsonObject | None:
        now = health()
        return None if now is None else now.to_message()

    desk = PageBackend(settings, told_health, RecentPassages(folder), folder, reloads, save)
    watch = SceneBuffer()
    adviser = CameraAdvisor(settings.passage, settings.reader.min_plate_width)
    pictures = SceneEncoder(adviser, settings.page.width, images=settings.privacy.images)
    live = LiveView(watch, pictures.piece, settings.page.fps, settings.page.viewers)
    face = create_page_routes(token, desk, live, over_tls=settings.api.tls_cert_file is not None)
    return Page(face.routes(), desk, watch, pictures, live)
