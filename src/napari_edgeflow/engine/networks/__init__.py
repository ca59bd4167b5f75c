"""The networks, EdgeFlow and DeepLabV3+, as torch modules.

It imports `system`: weights, files and images are their callers' affair.
"""
