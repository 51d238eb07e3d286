"""``python -m edge_lpr.cli``: the same as ``edge-lpr``."""

from __future__ import annotations

import sys

from edge_lpr.cli import main

if __name__ == "__main__":
    sys.exit(main())
