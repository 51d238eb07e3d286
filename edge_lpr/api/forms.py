"""URL-encoded forms: bodies and query strings, read at a bounded price.

A form carries its signature in itself, so it must be read before its sender is known. ``Form`` therefore only splits
it and decodes single short fields. ``parameters`` decodes the whole; a caller uses it when those fields permit.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from edge_lpr.api.errors import ApiError, ErrorCode

CONTENT_TYPE = "application/x-www-form-urlencoded"

MAX_PARAMETERS = 64
"""The most parameters of a form; LicensePlateOCR and its signature have about a dozen."""

MAX_ESCAPES = 20_000
"""The most percent escapes of a form, apart from those of Base64. The longest URL has fewer than 9,000. An escape costs
as much time as 100 plain characters."""

_MAX_SHORT = 1024
"""The most bytes of a parameter that is decoded alone, and of each name."""

_BASE64_ESCAPES = ((b"%2B", b"+"), (b"%2b", b"+"), (b"%2F", b"/"), (b"%2f", b"/"), (b"%3D", b"="), (b"%3d", b"="))


class Form:
    """A form that is split into its fields, which are not decoded."""

    def __init__(self, text: str | bytes) -> None:
        """Raises ApiError (InvalidParameter) for text that is no form, or repeats a parameter."""
        try:
            content = text.encode("ascii") if isinstance(text, str) else text
        except ValueError as error:
            raise _no_form() from error
        if not content.isascii() or content.count(b"&") >= MAX_PARAMETERS:
            raise _no_form()
        pairs = [pair.partition(b"=") for pair in content.split(b"&")] if content else []
        if any(not separator or len(name) > _MAX_SHORT for name, separator, _ in pairs):
            raise _no_form()
        self._fields = {_text(name): value for name, _, value in pairs}
        if len(self._fields) != len(pairs):
            raise ApiError(ErrorCode.INVALID_PARAMETER, "A parameter is given twice.")

    def short(self, name: str) -> str:
        """Returns a parameter of at most ``_MAX_SHORT`` bytes, "" if it is absent.

        Raises ApiError (InvalidParameter) for a longer one, and for one that is not UTF-8.
        """
        value = self._fields.get(name, b"")
        if len(value) > _MAX_SHORT:
            raise ApiError(ErrorCode.INVALID_PARAMETER, f"The parameter {name} is too long.")
        return _text(value)

    def parameters(self) -> dict[str, str]:
        """Returns all parameters. Raises ApiError (InvalidParameter) for too many escapes, and for other than UTF-8."""
        found = {}
        escapes = 0
        for name, value in self._fields.items():
            spaced = value.replace(b"+", b" ")
            if spaced.count(b"%") > MAX_ESCAPES:  # a picture: its escapes are replaced without a loop in Python
                for escape, character in _BASE64_ESCAPES:
                    spaced = spaced.replace(escape, character)
            escapes += spaced.count(b"%")
            if escapes > MAX_ESCAPES:
                raise _no_form()
            found[name] = _unquoted(spaced)
        return found


def form_parameters(text: str | bytes) -> dict[str, str]:
    """Parses a query string or a form body.

    Raises ApiError (InvalidParameter) for text that is no form, is not UTF-8, or repeats a parameter.
    """
    return Form(text).parameters()


def is_form(content_type: str) -> bool:
    """Returns True for the content type of a URL-encoded form, with or without a character set."""
    return content_type.split(";", 1)[0].strip().lower() == CONTENT_TYPE


def _text(value: bytes) -> str:
    return _unquoted(value.replace(b"+", b" "))


def _unquoted(value: bytes) -> str:
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise _no_form() from error


def _no_form() -> ApiError:
    return ApiError(ErrorCode.INVALID_PARAMETER, "The parameters are not a URL-encoded form.")
