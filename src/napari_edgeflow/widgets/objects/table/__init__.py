"""The table of the objects of a layer, and the edits made in it.

It imports no tab and nothing of the dock.
"""
