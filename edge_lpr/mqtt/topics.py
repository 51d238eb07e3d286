"""The topics of the gate and the actions that can be requested. Subscribers rely on names, QoS and retain flags."""

from __future__ import annotations

from dataclasses import dataclass

LICENSE_PLATE_OCR = "license-plate-ocr"
"""Action: read the plates in a picture that the request carries or names."""

CAPTURE = "capture"
"""Action: read the plates in the newest frame of the camera."""

RELOAD = "reload"
"""Action: load the settings file again."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device below ``prefix``. The settings validate both names."""

    prefix: str
    device_id: str

    @property
    def base(self) -> str:
        """The common start of all topics of this device."""
        return f"{self.prefix}/{self.device_id}"

    @property
    def plate(self) -> str:
        """Passages: sent, QoS 1, never retained. A retained passage could open a gate again after a restart."""
        return f"{self.base}/plate"

    @property
    def availability(self) -> str:
        """``online`` or ``offline``: sent, QoS 1, retained; also the topic of the last will."""
        return f"{self.base}/availability"

    @property
    def health(self) -> str:
        """The state of the gate: sent, QoS 0, retained."""
        return f"{self.base}/health"

    @property
    def statistics(self) -> str:
        """Passages without plate numbers: sent, QoS 1, not retained, not repeated."""
        return f"{self.base}/statistics"

    def request(self, action: str) -> str:
        """The topic on which the gate receives requests for ``action``, QoS 1."""
        return f"{self.base}/request/{action}"

    def response(self, action: str) -> str:
        """The topic of the answers to ``action`` for requests without a response topic: sent, QoS 1."""
        return f"{self.base}/response/{action}"
