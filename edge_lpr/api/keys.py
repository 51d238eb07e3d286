"""The keys file: each SecretId with its SecretKey and, where a site meters its tenants, its quota.

AKIDexample: its-secret-key
AKIDtenant: {key: its-secret-key, quota: 10000}
AKIDdebtor: {key: its-secret-key, in_arrears: true}
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge_lpr.config.document import Document, read_document
from edge_lpr.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``quota`` is the total number of answers that it may get, None without a limit."""

    name: str
    secret_key: str = field(default="", repr=False)
    quota: int | None = None
    in_arrears: bool = False


LOCAL = Account("local")
"""The account of requests without a key: programs on this device, where no keys are configured."""

_Secret = Annotated[str, Field(min_length=1, max_length=256)]
_SecretId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key: _Secret
    quota: int | None = Field(default=None, ge=0)
    in_arrears: bool = False


_FILE = TypeAdapter(dict[_SecretId, _Secret | _Entry])


def load_keys(path: Path) -> Mapping[str, Account]:
    """Returns the accounts of a keys file by SecretId, at least one.

    Raises ConfigError with one line in ``faults`` for each error; no line holds a secret. Logs a warning if every user
    of this machine can read the file.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise ConfigError(f"api.keys_file: {path}: no such file; write 'SecretId: SecretKey' lines into it") from error
    except OSError as error:
        raise ConfigError(f"api.keys_file: {path}: cannot be read: {error.strerror}") from error
    document = read_document(path)
    faults = list(document.errors)
    entries: dict[str, str | _Entry] = {}
    try:
        entries = _FILE.validate_python(document.tree)
    except ValidationError as error:
        faults += _describe(error, document)
    if not entries and not faults:
        faults.append(f"{path}: holds no key; write 'SecretId: SecretKey' lines into it")
    if faults:
        raise ConfigError(f"{path}: {len(faults)} fault{'s' * (len(faults) > 1)} in the keys", tuple(faults))
    if mode & stat.S_IROTH:
        _log.warning("%s can be read by every user of this machine; take that away with chmod o-r", path)
    return {name: _account(name, entry) for name, entry in entries.items()}


def _account(name: str, entry: str | _Entry) -> Account:
    if isinstance(entry, str):
        return Account(name, entry)
    return Account(name, entry.key, entry.quota, entry.in_arrears)


def _describe(error: ValidationError, document: Document) -> list[str]:
    """Returns one line per key. The given value is not shown: it may be a secret."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["loc"][1:2] == ("[key]",):
            wanted = "a SecretId is 1 to 128 of the characters A-Z a-z 0-9 . _ -, in quotes where it is a number"
        else:
            wanted = (
                "give its SecretKey as text (in quotes where it is a number), or a section with key, quota"
                " (a whole number or null) and in_arrears (true or false)"
            )
        lines.setdefault(name, f"{document.place_of((name,))}: {wanted}")
    return list(lines.values())
