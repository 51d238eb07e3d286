"""The checks of ``edge-lpr check``: settings, models, camera, broker, API, page, board, clock and disk."""
