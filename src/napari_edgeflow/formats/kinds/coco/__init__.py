"""COCO: one JSON file of images, classes and objects.

It imports `annotation` and `files`.
"""
