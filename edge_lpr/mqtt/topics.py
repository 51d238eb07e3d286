"""The names of the gate's topics. Their meaning, QoS and retain flags are a contract with subscribers."""

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
    """The topics of one device below ``prefix``; both names are checked by the settings."""

    prefix: str
    device_id: str

    @property
    def base(self) -> str:
        """What all topics of this device start with."""
        return f"{self.prefix}/{self.device_id}"

    @property
    def plate(self) -> str:
        """Passages: out, QoS 1, never retained, as a retained plate could reopen a gate after a restart."""
        return f"{self.base}/plate"

    @property
    def availability(self) -> str:
        """``online`` or ``offline``: out, QoS 1, retained, also the last will."""
        return f"{self.base}/availability"

    @property
    def health(self) -> str:
        """How the gate fares: out, QoS 0, retained."""
        return f"{self.base}/health"

    @property
    def statistics(self) -> str:
        """Passages without numbers: out, QoS 1, not retained, not repeated."""
        return f"{self.base}/statistics"

    def request(self, action: str) -> str:
        """Where others ask for something: in, QoS 1."""
        return f"{self.base}/request/{action}"

    def response(self, action: str) -> str:
        """Where the answer to a request goes: out, QoS 1."""
        return f"{self.base}/response/{action}"
