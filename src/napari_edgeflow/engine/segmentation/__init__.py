"""Images to class labels, in tiles whose seams are blended.

It imports `runtime`, `labels`, `raster` and what is below them, never `interaction`.
"""
