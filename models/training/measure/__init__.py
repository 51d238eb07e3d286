"""The measurement of the shipped models against the acceptance criteria."""
