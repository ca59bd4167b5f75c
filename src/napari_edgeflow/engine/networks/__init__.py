"""The networks as torch modules, EdgeFlow and DeepLabV3+, and changes to their layers.

It imports no other room: weights, files and images are their callers' affair.
"""
