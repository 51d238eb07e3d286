"""The installed pairs of models in the state folder, and the choice of the active pair.

    models/active.json      {"active": NAME, "previous": NAME}
    models/NAME/            the four files of a pair; NAME is a hash of their contents

The shipped pair is not in this folder; its name is ``shipped``. All files of a pair are on the disk before
``active.json`` names it, and ``active.json`` is replaced in one step. So a power cut leaves the old choice or the new
choice.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from edge_lpr.config import DeviceSettings
from edge_lpr.errors import ModelError
from edge_lpr.host.atomic_write import flush_folder, write_atomically, write_new_file
from edge_lpr.vision.model_file import MODEL_FILES

SHIPPED = "shipped"

Name = Annotated[str, Field(pattern=rf"^(?:[0-9a-f]{{12}}|{SHIPPED})$")]
ChoiceVersion = tuple[int, int] | None
"""Inode number and time of change of ``active.json``: different for each choice. None if there is no such file."""

_DRAFT = ".draft-"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The names of the active pair and of the pair that was active before it."""

    active: Name = SHIPPED
    previous: Name = SHIPPED


class ModelStore:
    """The folder ``models`` in the state folder. Reading is always safe; changing requires ``locked``."""

    def __init__(self, device: DeviceSettings) -> None:
        self.folder = device.state_dir / "models"
        self._choice_path = self.folder / "active.json"

    def read_choice(self) -> ModelChoice:
        """Returns the active and the previous pair. Raises ModelError if ``active.json`` cannot be read."""
        try:
            return TypeAdapter(ModelChoice).validate_json(self._choice_path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return ModelChoice()
        except OSError as error:
            raise ModelError(
                f"{self._choice_path}: cannot be read ({error.strerror}); check its permissions"
            ) from error
        except ValidationError as error:
            raise ModelError(f"{self._choice_path}: is damaged; install a pair of models again") from error

    def choice_version(self) -> ChoiceVersion:
        """Returns a value that changes with the choice. It is cheap enough to be compared for every frame."""
        try:
            state = self._choice_path.stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns

    def pair_folder(self, name: str) -> Path:
        """Returns the folder of an installed pair."""
        return self.folder / name

    def installed_names(self) -> list[str]:
        """Returns the names of the installed pairs."""
        return sorted(path.name for path in self.folder.glob("[0-9a-f]" * 12))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the store for changes.

        Raises ModelError if the store cannot be written, or if another process has locked it.
        """
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ModelError(
                f"{self.folder}: is being changed by another edge-lpr; try again when that has ended"
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(lock)

    def add_pair(self, files: Mapping[str, bytes]) -> str:
        """Stores a pair without activating it; returns its name. Raises OSError."""
        digests = b"".join(hashlib.sha256(files[member]).digest() for member in MODEL_FILES)
        name = hashlib.sha256(digests).hexdigest()[:12]
        target = self.pair_folder(name)
        if _holds(target, files):
            return name
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
        try:
            for member in MODEL_FILES:
                write_new_file(draft / member, files[member], mode=0o644)
            # The service may run as another user than the one who installs.
            draft.chmod(0o755)
            if target.exists():  # damaged since it was installed
                target.rename(Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder)) / name)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        flush_folder(self.folder)
        return name

    def activate(self, choice: ModelChoice) -> None:
        """Writes ``choice``, and deletes the pairs that it does not name. Raises OSError."""
        write_atomically(self._choice_path, json.dumps(asdict(choice)).encode(), mode=0o644)
        for path in (*map(self.pair_folder, self.installed_names()), *self.folder.glob(f"{_DRAFT}*")):
            if path.name not in (choice.active, choice.previous):
                shutil.rmtree(path)

    def _unwritable(self, error: OSError) -> ModelError:
        reason = error.strerror or str(error)
        return ModelError(
            f"{self.folder}: cannot be written ({reason}); free space on the disk, or run this as the service's user:"
            " sudo -u edge-lpr"
        )


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / member).read_bytes() == files[member] for member in MODEL_FILES)
    except OSError:
        return False  # missing or incomplete
