"""Labelled images on disk, and how they are split and varied for training.

It imports `labels`, `raster` and `system`, and no torch until images are varied.
"""
