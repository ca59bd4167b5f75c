"""The images of a project: which there are, read and kept ready.

It imports `formats` and the engine, no other room of a project.
"""
