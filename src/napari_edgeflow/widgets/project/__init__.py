"""The dock "Project folder".

It imports `clicks`, `classes`, `fields` and what is below them.
"""
