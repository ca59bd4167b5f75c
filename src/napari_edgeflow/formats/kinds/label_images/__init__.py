"""Images whose values are labels: TIFF, folders of them, stacks.

It imports `annotation` and `files`.
"""
