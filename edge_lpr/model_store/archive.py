"""The file that carries a model pair from a desk to a gate.

A plain tar, not compressed: ``detector.tflite``, ``detector.json``, ``recognizer.tflite`` and ``recognizer.json`` at
its top, and nothing else. The sums of the models stand in their sidecars. It is read in memory and bounded; no name in
it ever becomes a path.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_lpr.errors import ModelArchiveError
from edge_lpr.host.atomic_write import write_atomically
from edge_lpr.vision.model_file import MODEL_FILES

MAX_MODEL_BYTES = 16 * 1024 * 1024
"""Of one ``.tflite``; the shipped ones have 0.7 MB at most. A Pi has no time for a larger one."""

MAX_SIDECAR_BYTES = 256 * 1024

MAX_ARCHIVE_BYTES = 2 * (MAX_MODEL_BYTES + MAX_SIDECAR_BYTES) + 64 * 1024
"""With room for the tar's own blocks."""

_REMEDY = "make it with `edge-lpr models pack`, and copy it again"


def write_archive(files: Mapping[str, bytes], path: Path) -> None:
    """Write the members of a pair to ``path``, the same bytes for the same pair. Raises ModelArchiveError."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in MODEL_FILES:
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    try:
        write_atomically(path, content.getvalue(), sync_file=False, sync_folder=False)
    except OSError as error:
        raise ModelArchiveError(f"{path}: cannot be written ({error.strerror})") from error


def read_archive(path: Path) -> dict[str, bytes]:
    """The members of the archive at ``path`` by name; what is in them is not looked at.

    Raises ModelArchiveError for anything but the four that it should hold.
    """
    # Read whole: a tar's headers may claim any size, and a file would set that much memory aside.
    content = _read(path)
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in _members(archive, path, files):
                stored = archive.extractfile(member)
                files[member.name] = b"" if stored is None else stored.read()
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise ModelArchiveError(f"{path}: is no archive of models, or a damaged one ({error}); {_REMEDY}") from error
    if absent := [name for name in MODEL_FILES if name not in files]:
        raise ModelArchiveError(f"{path}: lacks {', '.join(absent)}; {_REMEDY}")
    return files


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ARCHIVE_BYTES + 1)
    except OSError as error:
        raise ModelArchiveError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if len(content) > MAX_ARCHIVE_BYTES:
        raise ModelArchiveError(f"{path}: has more than {MAX_ARCHIVE_BYTES // 2**20} MB, as no pair has; {_REMEDY}")
    return content


def _members(archive: tarfile.TarFile, path: Path, seen: Mapping[str, bytes]) -> Iterator[tarfile.TarInfo]:
    """The members one by one, each judged before the next header is read: a wrong size could lead there for ever."""
    while (member := archive.next()) is not None:
        limit = MAX_MODEL_BYTES if member.name.endswith(".tflite") else MAX_SIDECAR_BYTES
        if member.name not in MODEL_FILES:
            fault = f"holds {member.name[:80]!r}, and may hold nothing but {', '.join(MODEL_FILES)}"
        elif member.name in seen:
            fault = f"holds {member.name} twice"
        elif member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            fault = f"holds {member.name} as something else than a plain file"
        elif not 0 < member.size <= limit:
            fault = f"holds {member.name} of {member.size} bytes, and it may have 1 to {limit}"
        else:
            yield member
            continue
        raise ModelArchiveError(f"{path}: {fault}; {_REMEDY}")
