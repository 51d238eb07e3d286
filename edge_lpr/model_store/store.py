"""The pairs of models that were installed, in the state folder, and which of them is in use.

    models/active.json      {"active": NAME, "previous": NAME}
    models/NAME/            the four files; NAME is made of their contents, so a name never means another pair

The shipped pair is not here and has the name ``shipped``. A pair is whole on the disk before it is named in
``active.json``, and that file is replaced in one step: a power cut leaves the old choice or the new one.
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
"""Of a choice: another one has another mark. None where nothing was ever installed."""

_DRAFT = ".draft-"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which pair is in use, and which was before it."""

    active: Name = SHIPPED
    previous: Name = SHIPPED


class ModelStore:
    """The folder ``models`` in the state folder. Reading is safe at any time; who changes it holds ``locked``."""

    def __init__(self, device: DeviceSettings) -> None:
        self.folder = device.state_dir / "models"
        self._choice_path = self.folder / "active.json"

    def read_choice(self) -> ModelChoice:
        """The pair in use and the one before. Raises ModelError when that cannot be read."""
        try:
            return TypeAdapter(ModelChoice).validate_json(self._choice_path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return ModelChoice()
        except OSError as error:
            raise ModelError(
                f"{self._choice_path}: cannot be read ({error.strerror}); check its permissions"
            ) from error
        except ValidationError as error:
            raise ModelError(f"{self._choice_path}: is damaged; install a pair of models anew") from error

    def choice_version(self) -> ChoiceVersion:
        """Tells whether the choice is another one than it was; cheap enough to be asked for every frame."""
        try:
            state = self._choice_path.stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns

    def pair_folder(self, name: str) -> Path:
        """The folder of an installed pair."""
        return self.folder / name

    def installed_names(self) -> list[str]:
        """The installed pairs."""
        return sorted(path.name for path in self.folder.glob("[0-9a-f]" * 12))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the store meanwhile. Raises ModelError when it cannot be written, or is being changed."""
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
                f"{self.folder}: is being changed by another edge-lpr; try again when it is done"
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(lock)

    def add_pair(self, files: Mapping[str, bytes]) -> str:
        """Keep a pair, which is not in use by that; its name. Raises OSError."""
        digests = b"".join(hashlib.sha256(files[member]).digest() for member in MODEL_FILES)
        name = hashlib.sha256(digests).hexdigest()[:12]
        target = self.pair_folder(name)
        if _holds(target, files):
            return name
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
        try:
            for member in MODEL_FILES:
                write_new_file(draft / member, files[member], mode=0o644)
            # The service may have another user than who installs.
            draft.chmod(0o755)
            if target.exists():  # damaged since it was installed
                target.rename(Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder)) / name)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        flush_folder(self.folder)
        return name

    def activate(self, choice: ModelChoice) -> None:
        """Use ``choice`` from now on, and forget the pairs that it does not name. Raises OSError."""
        write_atomically(self._choice_path, json.dumps(asdict(choice)).encode(), mode=0o644)
        for path in (*map(self.pair_folder, self.installed_names()), *self.folder.glob(f"{_DRAFT}*")):
            if path.name not in (choice.active, choice.previous):
                shutil.rmtree(path)

    def _unwritable(self, error: OSError) -> ModelError:
        reason = error.strerror or str(error)
        return ModelError(
            f"{self.folder}: cannot be written ({reason}); make room, or be the service's user: sudo -u edge-lpr"
        )


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / member).read_bytes() == files[member] for member in MODEL_FILES)
    except OSError:
        return False  # not there, or not whole
