"""From real and rendered plates to training samples: plate swap, canvases, crops with errors, degradations."""
