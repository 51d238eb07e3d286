"""Installs an archive again and again, from the same store, with the power cut one step later each time.

A step is whatever a cut could come before: a flush to the disk, the making or the naming of a file. It forks, so run
it as a process of its own: ``python -m tests.model_store.power_cuts CONFIG ARCHIVE``. Prints for each cut the pair
that a gate then reads with, and at last the one after an installation that went through.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from edge_lpr import cli
from edge_lpr.config import load_settings
from edge_lpr.model_store.loading import open_pair
from edge_lpr.model_store.store import ModelStore

CUT = 99


def main(config: Path, archive: Path) -> None:
    """Until an installation goes through."""
    cv2.setNumThreads(1)  # its threads would not be there in a fork
    settings = load_settings(config, {})
    store = ModelStore(settings.device)
    kept = config.parent / "kept"
    shutil.copytree(store.folder, kept)
    step, code = 0, CUT
    while code == CUT:
        shutil.rmtree(store.folder)
        shutil.copytree(kept, store.folder)
        child = os.fork()
        if child == 0:
            _install(config, archive, step)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, CUT), code
        pair = open_pair(settings.reader, store)
        assert not pair.faults, pair.faults
        print(pair.reader.models.recognizer.sidecar.version, flush=True)
        step += 1


def _install(config: Path, archive: Path, steps: int) -> None:
    left = steps

    def cutting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **names: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(CUT)
            left -= 1
            return real(*arguments, **names)

        return call

    for name in ("fsync", "rename", "replace", "mkdir"):
        setattr(os, name, cutting(getattr(os, name)))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os._exit(cli.main(["models", "install", str(archive), "-c", str(config)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
