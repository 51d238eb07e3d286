"""This machine: its clock, its board, systemd, files that are replaced in one step, secrets, TLS contexts."""
