"""Masks as polygons and back, exactly or simplified.

It imports `raster`.
"""
