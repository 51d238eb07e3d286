"""Pairs of models: the archive that carries a pair, the store of installed pairs, loading and self-test."""
