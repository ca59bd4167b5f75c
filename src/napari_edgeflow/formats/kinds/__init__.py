"""The formats: a file, or a room, for each.

It imports `annotation`, `files` and the engine; a format knows of no other.
"""
