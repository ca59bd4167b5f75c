"""Classes, and what an array of labels holds: places, objects, regions.

It imports `raster` and `system`.
"""
