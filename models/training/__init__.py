"""Everything that made the two models: synthesis, datasets, networks, training, export and evaluation.

Nothing in ``edge_lpr`` imports from here. One documented command a stage; see ``models/README.md``.
"""
