"""``edge-lpr setup``: asks for camera, broker and name, tries each answer at once, and writes the settings."""
