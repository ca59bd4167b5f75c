"""A project on disk, safe at every moment: journal, pages, lock, project file.

It imports `content`, `images`, `formats` and the engine.
"""
