"""The page made from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests
from edge_lpr.evidence.writer import evidence_folder
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.messages.health import HealthMessage
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
from edge_lpr.tracking.track import Track


@dataclass(frozen=True)
class Page:
    """The page as the service uses it: its routes, and a ``FrameObserver`` of the frame loop."""

    routes: Sequence[BaseRoute]
    backend: PageBackend
    scenes: SceneBuffer
    encoder: SceneEncoder
    live_view: LiveView

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """Takes a frame that was read, with its readings and the tracks after it."""
        self.scenes.add_frame(frame, readings, tracks)

    def add_narrow_plates(self, quads: list[Quad]) -> None:
        """Takes the plates of the frame being read that are too narrow to read."""
        self.scenes.add_narrow_plates(quads)

    def record_passage(self, passage: Passage, sequence: int) -> None:
        """Takes a passage that was handed to the publisher."""
        self.backend.recent.record_passage(passage, sequence)

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from now on."""
        self.backend.settings = settings
        self.encoder.apply_settings(settings.passage)

    def close(self) -> None:
        """Ends the requests that wait for a picture."""
        self.live_view.close()


def create_page(
    settings: Settings, health: Callable[[], HealthMessage | None], reloads: ReloadRequests, save: Save | None
) -> Page:
    """Returns the page. ``health`` returns the payload of the topic ``health``, None before the first one.

    Raises ConfigError for a token file that cannot be used.
    """
    token = load_token(settings.page)
    folder = evidence_folder(settings.evidence, settings.device)
    backend = PageBackend(settings, health, RecentPassages(folder), folder, reloads, save)
    scenes = SceneBuffer()
    advisor = CameraAdvisor(settings.passage, settings.reader.min_plate_width)
    encoder = SceneEncoder(advisor, settings.page.width, images=settings.privacy.images)
    live_view = LiveView(scenes, encoder.encode, settings.page.fps, settings.page.viewers)
    over_tls = settings.api.tls_cert_file is not None
    return Page(create_page_routes(token, backend, live_view, over_tls=over_tls), backend, scenes, encoder, live_view)
