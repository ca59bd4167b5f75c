"""The dock "Click to label": a dock on a canvas, that on an object in progress.

It imports `classes`, `fields` and what is below them.
"""
