"""The object that is being clicked, from its first prompt until it is finished.

It imports nothing of `canvas` and of the dock.
"""
