"""Models on disk: what checkpoints say, where they are found, where training starts.

It imports `networks`, `labels`, `raster` and `system`.
"""
