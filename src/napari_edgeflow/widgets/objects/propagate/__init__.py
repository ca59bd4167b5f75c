"""The tab that carries an object through a stack.

It imports `table`, no other tab and nothing of the dock.
"""
