"""The wire contract: one model for each payload, and the JSON Schemas that are generated from the models.

A module holds the models of one family of payloads and the functions that build them from readings and passages.
``edge_lpr.messages.generate`` writes the schemas. This package imports only the plain values at the root.
"""
