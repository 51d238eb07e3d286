"""The exception tree. Each error that a user can meet is one clear line: the problem, then the remedy.

EdgeLprError                     any error that this package raises on purpose
├── InputError                   the user's input is wrong (exit code 2)
│   ├── ConfigError              config.yaml: all its problems at once
│   ├── ImageError               a picture that cannot be read
│   │   ├── ImageTooLarge
│   │   └── ImageDecodeFailed
│   └── ModelArchiveError        a model archive that is damaged, or that holds no usable models
├── ImageEncodeFailed            a picture that cannot be encoded as JPEG
├── ModelError                   a model file or its sidecar is missing, damaged or has the wrong shape
├── CameraError                  a camera that cannot be opened, or that stopped
├── BrokerError                  an MQTT broker that refuses the connection or cannot be reached
├── ListenError                  an address on which the API cannot listen
├── EvidenceError                a stored picture or key that cannot be written, read or deleted
└── ApiError                     a request that gets an error response (edge_lpr/api/errors.py)

``api_code`` is the ``Error.Code`` that Tencent Cloud's ``LicensePlateOCR`` documents for the situation.
"""

from __future__ import annotations

from typing import ClassVar


class EdgeLprError(Exception):
    """Base class of all errors that this package raises on purpose. ``str(error)`` is one line for a person."""

    exit_code: ClassVar[int] = 1
    api_code: ClassVar[str] = "InternalError"


class InputError(EdgeLprError):
    """The user's input is wrong. Nothing was done with it."""

    exit_code = 2
    api_code = "InvalidParameter"


class ConfigError(InputError):
    """The settings file is wrong. ``faults`` holds one line for each problem."""

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class ImageError(InputError):
    """A picture that cannot be read."""

    api_code = "FailedOperation.ImageDecodeFailed"


class ImageTooLarge(ImageError):
    """A picture with more bytes or pixels than the limits allow."""

    api_code = "LimitExceeded.TooLargeFileError"


class ImageDecodeFailed(ImageError):
    """A file that is not a picture, is damaged, or has a format that is not accepted."""


class ModelArchiveError(InputError):
    """A model archive that is damaged, or that holds no models that this reader can use."""


class ImageEncodeFailed(EdgeLprError):
    """A picture that cannot be encoded as JPEG."""

    api_code = "FailedOperation.UnKnowError"


class ModelError(EdgeLprError):
    """A model file or its sidecar is missing, damaged or has the wrong shape."""


class CameraError(EdgeLprError):
    """A camera that cannot be opened, or that stopped delivering frames."""


class BrokerError(EdgeLprError):
    """An MQTT broker that refuses the connection or cannot be reached."""


class EvidenceError(EdgeLprError):
    """A stored picture, or the key of the statistics, that cannot be written, read or deleted."""


class ListenError(EdgeLprError):
    """An address on which the API cannot listen now. A later try may succeed."""
