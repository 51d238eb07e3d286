"""Everything that makes the two models: plate synthesis, data sets, networks, training, export and measurement.

``edge_lpr`` imports nothing from here. ``models/training/README.md`` lists the command of each stage.
"""
