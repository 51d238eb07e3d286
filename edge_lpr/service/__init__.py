"""The service: composition root, frame loop, life cycle, health and metrics."""
