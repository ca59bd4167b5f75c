"""The list of classes and what can be done to it.

It imports `fields`, `workspace` and what is below them.
"""
