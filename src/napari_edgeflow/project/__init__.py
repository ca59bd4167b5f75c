"""Projects: folders of images whose labels, objects and state outlive the program.

It imports `formats` and the engine, and neither napari nor Qt. Its rooms, from the
ground up: content and images, storage, the folder itself, exchange.
"""
