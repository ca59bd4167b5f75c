"""File formats: labels and records in, files out, and back.

It imports the engine, and neither napari nor Qt. Its rooms, from the ground up: files,
annotation, kinds, and on top exchange, training and effort.
"""
