"""The set-up wizard: asks for camera, broker and name, tests each answer, and writes the settings."""
