"""The dock "Objects": a table, its tabs, and what they do to objects.

It imports `clicks`, `classes`, `fields` and what is below them.
"""
