"""Archives of model pairs, valid and invalid, made from the shipped models."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_lpr.model_store.archive import write_archive
from edge_lpr.resources import models_dir
from edge_lpr.vision.model_file import MODEL_FILES


def shipped() -> dict[str, bytes]:
    """Returns the members of the shipped pair."""
    return {name: (models_dir() / name).read_bytes() for name in MODEL_FILES}


def changed(task: str, **sidecar: Any) -> dict[str, bytes]:
    """Returns the shipped pair with other entries in one sidecar."""
    files = shipped()
    card = json.loads(files[f"{task}.json"]) | sidecar
    return files | {f"{task}.json": json.dumps(card).encode()}


def with_model(task: str, content: bytes) -> dict[str, bytes]:
    """Returns the shipped pair with other content for one model, and its checksum in the sidecar."""
    return changed(task, sha256=hashlib.sha256(content).hexdigest()) | {f"{task}.tflite": content}


def archive_of_version(folder: Path, version: str) -> Path:
    """Writes a valid archive whose recognizer has ``version``; returns its path."""
    path = folder / f"{version}.tar"
    write_archive(changed("recognizer", version=version), path)
    return path


def tar(path: Path, files: Mapping[str, bytes], *more: tarfile.TarInfo) -> Path:
    """Writes a tar file with ``files`` and then headers without content; returns its path."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    blocks = content.getvalue().rstrip(b"\0")
    whole = blocks + b"\0" * (-len(blocks) % tarfile.BLOCKSIZE)
    path.write_bytes(whole + b"".join(member.tobuf(tarfile.GNU_FORMAT) for member in more) + b"\0" * 1024)
    return path
