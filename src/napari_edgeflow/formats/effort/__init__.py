"""What labelling took, as files: seconds and clicks of each object.

It imports `annotation`, `files` and the engine.
"""
