"""The development data, and the training samples that are made from it."""
