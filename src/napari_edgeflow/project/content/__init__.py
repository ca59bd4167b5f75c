"""What a project holds, as records: objects, packed labels, changes of classes.

It imports `formats` and the engine.
"""
