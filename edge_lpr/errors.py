"""The exception tree. Every error a user can meet is one clear line: what is wrong, then the remedy.

EdgeLprError                     anything this package raises on purpose
├── InputError                   the user's input is wrong (exit code 2)
│   ├── ConfigError              config.yaml: all its faults at once
│   ├── ImageError               a picture that cannot be read
│   │   ├── ImageTooLarge
│   │   └── ImageDecodeFailed
│   └── ModelArchiveError        an archive of models that is damaged, or holds none that a reader can use
├── ImageEncodeFailed            an image that cannot be encoded as JPEG
├── ModelError                   a model file or its sidecar is missing, damaged or of the wrong shape
├── CameraError                  a camera that cannot be opened, or that stopped
├── BrokerError                  an MQTT broker that refuses us or cannot be reached
├── ListenError                  an address that the API cannot be served at
├── EvidenceError                a kept picture or key that cannot be written, read or deleted
└── ApiError                     a request that gets an error answer (edge_lpr/api/errors.py)

``api_code`` is the ``Error.Code`` that Tencent Cloud's ``LicensePlateOCR`` documents for the situation.
"""

from __future__ import annotations

from typing import ClassVar


class EdgeLprError(Exception):
    """Anything this package raises on purpose. ``str(error)`` is one line for a person."""

    exit_code: ClassVar[int] = 1
    api_code: ClassVar[str] = "InternalError"


class InputError(EdgeLprError):
    """What the user gave is wrong; nothing was done with it."""

    exit_code = 2
    api_code = "InvalidParameter"


class ConfigError(InputError):
    """The settings file is wrong; ``faults`` holds one line for each thing to mend."""

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class ImageError(InputError):
    """A picture that cannot be read."""

    api_code = "FailedOperation.ImageDecodeFailed"


class ImageTooLarge(ImageError):
    """A picture with more bytes or pixels than are allowed."""

    api_code = "LimitExceeded.TooLargeFileError"


class ImageDecodeFailed(ImageError):
    """A file that is no picture, is damaged, or is of a kind that is not accepted."""


class ModelArchiveError(InputError):
    """An archive of models that is damaged, or that holds none that this reader can use."""


class ImageEncodeFailed(EdgeLprError):
    """An image that cannot be encoded as JPEG."""

    api_code = "FailedOperation.UnKnowError"


class ModelError(EdgeLprError):
    """A model file or its sidecar is missing, damaged or of the wrong shape."""


class CameraError(EdgeLprError):
    """A camera that cannot be opened, or that stopped giving frames."""


class BrokerError(EdgeLprError):
    """An MQTT broker that refuses us or cannot be reached."""


class EvidenceError(EdgeLprError):
    """A kept picture, or the key of the statistics, that cannot be written, read or deleted."""


class ListenError(EdgeLprError):
    """An address that the API cannot be served at, now; it may be free, or ours, after a while."""
