"""Images, JSON and lists of classes as plain files, and what is said of bad ones.

It imports the engine only.
"""
