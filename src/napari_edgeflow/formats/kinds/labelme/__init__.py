"""labelme: a JSON file of shapes beside each image.

It imports `annotation` and `files`.
"""
