"""Prompts to masks: what clicks, boxes and strokes make of one object in one image.

It imports `runtime`, `raster` and what is below them, never `segmentation`.
"""
