"""Error codes of the API: the situation of each on this device, and its default message.

The names are Tencent Cloud's: those that ``LicensePlateOCR`` (version 2018-11-19) documents, then the common ones of
the API 3.0. Clients that handle these codes need no change.
"""

from __future__ import annotations

from enum import StrEnum

from edge_lpr.errors import EdgeLprError


class ErrorCode(StrEnum):
    """One ``Error.Code``. ``message`` is the default message, ``situation`` says when the code is used here."""

    message: str
    situation: str

    def __new__(cls, code: str, message: str = "", situation: str = "") -> ErrorCode:
        """Makes a member whose value is ``code``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.message = message
        member.situation = situation
        return member

    # What LicensePlateOCR documents
    DOWNLOAD_ERROR = (
        "FailedOperation.DownLoadError",
        "The picture could not be downloaded.",
        "`ImageUrl` cannot be fetched: no answer within 3 s, an HTTP error, too many redirects, a refused address",
    )
    IMAGE_DECODE_FAILED = (
        "FailedOperation.ImageDecodeFailed",
        "The picture could not be decoded.",
        "The bytes are not a PNG, JPEG or BMP picture, or the picture is damaged, or less than nine tenths of its rows"
        " are there",
    )
    OCR_FAILED = (
        "FailedOperation.OcrFailed",
        "No license plate was found in the picture.",
        "No plate in the picture can be read",
    )
    UNKNOWN_ERROR = (
        "FailedOperation.UnKnowError",
        "The picture could not be read for a reason that is not known.",
        "The reader itself failed on this picture, and the service's log has the reason; over MQTT: "
        "`capture`, and the camera gives no picture",
    )
    UNOPEN_ERROR = (
        "FailedOperation.UnOpenError",
        "The service is not switched on.",
        "LicensePlateOCR is switched off (`api.license_plate_ocr`); over MQTT also: requests (`api.enabled`) "
        "or pictures (`privacy.images`) are",
    )
    VALUE_LIMIT = (
        "InvalidParameterValue.InvalidParameterValueLimit",
        "A parameter's value is not allowed.",
        "`ImageBase64` is not Base64, or `ImageUrl` is not an http or https address",
    )
    TOO_LARGE_FILE = (
        "LimitExceeded.TooLargeFileError",
        "The picture is too large.",
        "The picture has more than 10 MB after Base64, or more pixels than `api.max_megapixels` allows",
    )
    IN_ARREARS = (
        "ResourceUnavailable.InArrears",
        "This key is in arrears.",
        "The key is marked `in_arrears` in the keys file: the site has blocked a tenant that did not pay",
    )
    RESOURCE_PACKAGE_RUN_OUT = (
        "ResourceUnavailable.ResourcePackageRunOut",
        "This key's package of requests is used up.",
        "The key has used all answers of its `quota`",
    )
    CHARGE_STATUS_EXCEPTION = (
        "ResourcesSoldOut.ChargeStatusException",
        "The count of this key's requests is not available.",
        "The key has a quota, but its count of requests cannot be read or written",
    )

    # Authentication
    INVALID_AUTHORIZATION = (
        "AuthFailure.InvalidAuthorization",
        "The Authorization of the request is missing or not as the signature specification says.",
        "The signature is missing or malformed; without a keys file: the caller is not a program on the device",
    )
    SECRET_ID_NOT_FOUND = (
        "AuthFailure.SecretIdNotFound",
        "The SecretId is not known here.",
        "The SecretId is not in the keys file",
    )
    SIGNATURE_EXPIRE = (
        "AuthFailure.SignatureExpire",
        "The signature has expired; check the clocks of both sides.",
        "The time of the request differs from the device's clock by more than 5 minutes",
    )
    SIGNATURE_FAILURE = (
        "AuthFailure.SignatureFailure",
        "The signature does not fit the request; check the SecretKey.",
        "The SecretKey is wrong, or the request was changed on the way",
    )
    TOKEN_FAILURE = (
        "AuthFailure.TokenFailure",
        "The token is not valid: this service knows only lasting keys, which go without one.",
        "The request has a token; the device issues no temporary keys",
    )

    # The request
    INVALID_ACTION = (
        "InvalidAction",
        "The action is not offered; LicensePlateOCR is.",
        "`X-TC-Action` names another action",
    )
    NO_SUCH_VERSION = (
        "NoSuchVersion",
        "The version is not offered; 2018-11-19 is.",
        "`X-TC-Version` is another version",
    )
    MISSING_PARAMETER = (
        "MissingParameter",
        "A required parameter is missing.",
        "`ImageBase64` and `ImageUrl` are both missing, or the action or the version is missing",
    )
    INVALID_PARAMETER = (
        "InvalidParameter",
        "A parameter is not of the right form.",
        "The body is not a JSON object or arrives too slowly, or a parameter has the wrong type or is given twice",
    )
    UNKNOWN_PARAMETER = (
        "UnknownParameter",
        "A parameter is not known.",
        "The body has a parameter that LicensePlateOCR does not have",
    )
    UNSUPPORTED_PROTOCOL = (
        "UnsupportedProtocol",
        "Only GET and POST are supported.",
        "The HTTP method is not GET or POST",
    )
    REQUEST_SIZE_LIMIT_EXCEEDED = (
        "RequestSizeLimitExceeded",
        "The request is too large.",
        "The body is larger than the largest allowed picture",
    )
    REQUEST_LIMIT_EXCEEDED = (
        "RequestLimitExceeded",
        "Too many requests; try again later.",
        "Too many requests of this key in a second, too many refused requests of this address, `api.queue` "
        "is full for this key, or other bodies use the memory for pictures",
    )
    INTERNAL_ERROR = (
        "InternalError",
        "The service failed; its log has the reason.",
        "The service itself has failed; its log has the reason",
    )


class ApiError(EdgeLprError):
    """A request that gets an error answer. ``code`` and ``message`` are those of its ``Error``."""

    def __init__(self, code: str, message: str | None = None) -> None:
        """``code`` is an ``ErrorCode`` or its text. Without ``message`` the code's default message is used.

        Raises ValueError for a text that is no ``ErrorCode``.
        """
        known = ErrorCode(code)
        self.code: str = known.value
        self.message: str = known.message if message is None else message
        super().__init__(self.message)


def as_api_error(error: EdgeLprError) -> ApiError:
    """Returns the API error for ``error``.

    An error that the client can correct keeps its own message. An ``InternalError`` has the default message only:
    details of the device belong into the log.
    """
    if isinstance(error, ApiError):
        return error
    code = ErrorCode(error.api_code)
    return ApiError(code, None if code is ErrorCode.INTERNAL_ERROR else str(error))
