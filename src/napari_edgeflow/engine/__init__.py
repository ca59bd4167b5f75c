"""The engine: arrays in, arrays out, for clicks, whole images and training.

It imports nothing else of this package, and neither napari nor Qt. Its rooms, from the
ground up: system, raster, labels, data, networks, checkpoints, runtime, then
interaction and segmentation, evaluation and propagation, and training on top.
"""
