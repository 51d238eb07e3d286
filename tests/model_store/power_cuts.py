"""Installs an archive repeatedly into the same store, with a power cut one step later each time.

A power cut is simulated before each sync, rename, replacement and folder creation. The program forks, so it needs its
own process: ``python -m tests.model_store.power_cuts CONFIG ARCHIVE``. For each cut it prints the version of the pair
that a gate then reads with, and at the end the version after a complete installation.
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
    """Repeats until an installation completes."""
    cv2.setNumThreads(1)  # a forked process does not have its threads
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

    def with_cut(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **names: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(CUT)
            left -= 1
            return real(*arguments, **names)

        return call

    for name in ("fsync", "rename", "replace", "mkdir"):
        setattr(os, name, with_cut(getattr(os, name)))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os._exit(cli.main(["models", "install", str(archive), "-c", str(config)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
