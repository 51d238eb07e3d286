"""The page made from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadCallback
from edge_lpr.evidence.writer import evidence_folder
from edge_lpr.messages.health import HealthMessage
from edge_lpr.page.backend import PageBackend, SaveLanes
from edge_lpr.page.camera_advice import CameraAdvisor
from edge_lpr.page.encoding import SceneEncoder
from edge_lpr.page.live_view import LiveView, SceneSource
from edge_lpr.page.login_sessions import load_token
from edge_lpr.page.recent_passages import RecentPassages
from edge_lpr.page.routes import create_page_routes


@dataclass(frozen=True)
class Page:
    """The page as the server uses it. ``recent`` takes the passages."""

    routes: Sequence[BaseRoute]
    recent: RecentPassages
    backend: PageBackend
    encoder: SceneEncoder
    live_view: LiveView

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from now on."""
        self.backend.settings = settings
        self.encoder.apply_settings(settings.passage)

    def close(self) -> None:
        """Ends the requests that wait for a picture."""
        self.live_view.close()


def create_page(
    settings: Settings,
    health: Callable[[], HealthMessage | None],
    scenes: SceneSource,
    request_reload: Callable[[ReloadCallback], None],
    save: SaveLanes | None,
) -> Page:
    """Returns the page. ``health`` returns the payload of the topic ``health``, None before the first one.

    Raises ConfigError for a token file that cannot be used.
    """
    token = load_token(settings.page)
    folder = evidence_folder(settings.evidence, settings.device)
    recent = RecentPassages(folder)
    backend = PageBackend(settings, health, recent, folder, request_reload, save)
    advisor = CameraAdvisor(settings.passage, settings.reader.min_plate_width)
    encoder = SceneEncoder(advisor, settings.page.width, images=settings.privacy.images)
    live_view = LiveView(scenes, encoder.encode, settings.page.fps, settings.page.viewers)
    over_tls = settings.api.tls_cert_file is not None
    routes = create_page_routes(token, backend, live_view, over_tls=over_tls)
    return Page(routes, recent, backend, encoder, live_view)
