"""The tab that edits an object's outline by its vertices.

It imports `table`, no other tab and nothing of the dock.
"""
