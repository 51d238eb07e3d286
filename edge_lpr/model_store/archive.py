"""The archive that carries a pair of models to a gate.

It is an uncompressed tar file with exactly four members: ``detector.tflite``, ``detector.json``, ``recognizer.tflite``
and ``recognizer.json``. The checksums of the models are in their sidecars. The archive is read in memory, with limits
on its size. No name in it is used as a path.
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
"""Largest size of one ``.tflite`` file. The shipped ones have at most 0.7 MB; a Pi is too slow for a larger one."""

MAX_SIDECAR_BYTES = 256 * 1024

MAX_ARCHIVE_BYTES = 2 * (MAX_MODEL_BYTES + MAX_SIDECAR_BYTES) + 64 * 1024
"""Largest size of an archive, including the blocks of the tar format."""

_REMEDY = "create it with `edge-lpr models pack`, or copy it again"


def write_archive(files: Mapping[str, bytes], path: Path) -> None:
    """Writes the members of a pair to ``path``: the same bytes for the same pair. Raises ModelArchiveError."""
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
    """Returns the members of the archive at ``path`` by name, without checking their contents.

    Raises ModelArchiveError unless the archive holds exactly the four members.
    """
    # Read into memory first: tar headers may claim any size, and extraction from a file would allocate it.
    content = _read(path)
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in _members(archive, path, files):
                stored = archive.extractfile(member)
                files[member.name] = b"" if stored is None else stored.read()
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise ModelArchiveError(f"{path}: is not an archive of models, or is damaged ({error}); {_REMEDY}") from error
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
        raise ModelArchiveError(
            f"{path}: has more than {MAX_ARCHIVE_BYTES // 2**20} MB, the limit for a pair; {_REMEDY}"
        )
    return content


def _members(archive: tarfile.TarFile, path: Path, seen: Mapping[str, bytes]) -> Iterator[tarfile.TarInfo]:
    """Yields the members. Each is checked before the next header is read, because a wrong size could cause a loop."""
    while (member := archive.next()) is not None:
        limit = MAX_MODEL_BYTES if member.name.endswith(".tflite") else MAX_SIDECAR_BYTES
        if member.name not in MODEL_FILES:
            fault = f"holds {member.name[:80]!r}, but only {', '.join(MODEL_FILES)} are allowed"
        elif member.name in seen:
            fault = f"holds {member.name} twice"
        elif member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            fault = f"holds {member.name}, which is not a plain file"
        elif not 0 < member.size <= limit:
            fault = f"holds {member.name} of {member.size} bytes, but 1 to {limit} are allowed"
        else:
            yield member
            continue
        raise ModelArchiveError(f"{path}: {fault}; {_REMEDY}")
