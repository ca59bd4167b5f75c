"""The object in progress as a person sees and touches it: clicks, boxes, the mask.

It imports `object`, and nothing of the dock.
"""
