"""Status over HTTP for operators: ``/healthz`` and ``/metrics``."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge_lpr.server.metrics import Metrics, ReadUpdate

STALLED_S = 60.0
"""Seconds without an iteration of the frame loop after which the gate has failed; the watchdog waits as long."""


def create_status_routes(metrics: Metrics, read_update: ReadUpdate) -> list[BaseRoute]:
    """Returns the routes ``/healthz`` and ``/metrics``."""
    routes = _StatusRoutes(metrics, read_update)
    return [Route("/healthz", routes.healthz), Route("/metrics", routes.metrics)]


class _StatusRoutes:
    def __init__(self, metrics: Metrics, read_update: ReadUpdate) -> None:
        self._metrics = metrics
        self._read_update = read_update

    async def healthz(self, _request: Request) -> Response:
        """Answers 200 while the gate works, 503 when the frame loop stands still or the camera is blind."""
        gate = self._read_update()
        if gate is None:
            return JSONResponse({"Status": "starting"})
        works = time.monotonic() - gate.at_s < STALLED_S and not gate.is_blind
        answer = {
            "Status": "ok" if works else "failed",
            "Camera": gate.health.camera.state,
            "CameraFault": gate.health.camera.fault,
            "Broker": gate.health.broker.state,
            "Waiting": gate.health.outbox.waiting,
        }
        return JSONResponse(answer, status_code=200 if works else 503)

    async def metrics(self, _request: Request) -> Response:
        """Answers with the series for Prometheus."""
        return Response(self._metrics.exposition(), media_type="text/plain; version=0.0.4")
