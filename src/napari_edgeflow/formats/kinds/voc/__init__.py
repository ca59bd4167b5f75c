"""PASCAL VOC: palette PNGs, and folders of images, classes and objects.

It imports `annotation` and `files`.
"""
