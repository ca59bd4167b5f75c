"""The tab that shows what labelling took.

It imports `table`, no other tab and nothing of the dock.
"""
