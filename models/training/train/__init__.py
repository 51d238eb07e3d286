"""The training runs of both networks."""
