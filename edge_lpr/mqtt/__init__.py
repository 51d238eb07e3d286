"""MQTT: the connection to the broker, the outbox of passages on disk, and the topics of the gate."""
