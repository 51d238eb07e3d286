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
        "The bytes are no PNG, JPEG or BMP picture, or a damaged one",
    )
    OCR_FAILED = (
        "FailedOperation.OcrFailed",
        "No license plate was found in the picture.",
        "The picture holds no plate that can be read",
    )
    UNKNOWN_ERROR = (
        "FailedOperation.UnKnowError",
        "The picture could not be read for a reason that is not known.",
        "The reader itself failed on this picture; the service's log has the reason",
    )
    UNOPEN_ERROR = (
        "FailedOperation.UnOpenError",
        "The service is not switched on.",
        "LicensePlateOCR is switched off in the settings (`api.license_plate_ocr: false`)",
    )
    VALUE_LIMIT = (
        "InvalidParameterValue.InvalidParameterValueLimit",
        "A parameter's value is not allowed.",
        "`ImageBase64` is not Base64, or `ImageUrl` is not an http or https address",
    )
    TOO_LARGE_FILE = (
        "LimitExceeded.TooLargeFileError",
        "The picture is too large.",
        "The picture takes more than 10 MB after Base64, or claims more pixels than are decoded",
    )
    IN_ARREARS = (
        "ResourceUnavailable.InArrears",
        "This key is in arrears.",
        "The keys file says `in_arrears` of the key: the site has blocked a tenant that did not pay",
    )
    RESOURCE_PACKAGE_RUN_OUT = (
        "ResourceUnavailable.ResourcePackageRunOut",
        "This key's package of requests is used up.",
        "The key has had all answers of its `quota`",
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
        "No signature at all, or one not of the specified form; without a keys file, who is no program on the device",
    )
    SECRET_ID_NOT_FOUND = (
        "AuthFailure.SecretIdNotFound",
        "The SecretId is not known here.",
        "The SecretId is not in the keys file",
    )
    SIGNATURE_EXPIRE = (
        "AuthFailure.SignatureExpire",
        "The signature has expired; check the clocks of both sides.",
        "The request's time is more than 5 minutes away from the device's clock",
    )
    SIGNATURE_FAILURE = (
        "AuthFailure.SignatureFailure",
        "The signature does not fit the request; check the SecretKey.",
        "A wrong SecretKey, or a request that was changed on the way",
    )
    TOKEN_FAILURE = (
        "AuthFailure.TokenFailure",
        "The token is not valid: this service knows only lasting keys, which go without one.",
        "A token was sent; the device gives out no temporary keys",
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
        "Neither `ImageBase64` nor `ImageUrl` is given, or the action or version is missing",
    )
    INVALID_PARAMETER = (
        "InvalidParameter",
        "A parameter is not of the right form.",
        "The body is not a JSON object, or a parameter is of the wrong type or given twice",
    )
    UNKNOWN_PARAMETER = (
        "UnknownParameter",
        "A parameter is not known.",
        "The body has a parameter that LicensePlateOCR does not",
    )
    UNSUPPORTED_PROTOCOL = (
        "UnsupportedProtocol",
        "Only GET and POST are supported.",
        "Another HTTP method",
    )
    REQUEST_SIZE_LIMIT_EXCEEDED = (
        "RequestSizeLimitExceeded",
        "The request is too large.",
        "The body is larger than that of any picture that is allowed",
    )
    REQUEST_LIMIT_EXCEEDED = (
        "RequestLimitExceeded",
        "Too many requests; try again later.",
        "More requests a second than the key may send, too many failed signatures of one address, or too many at once",
    )
    INTERNAL_ERROR = (
        "InternalError",
        "The service failed; its log has the reason.",
        "A fault of the service itself",
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
