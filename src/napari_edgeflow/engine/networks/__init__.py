"""The networks, EdgeFlow and DeepLabV3+, as torch modules.

It imports no other room: weights, files and images are their callers' affair.
"""
