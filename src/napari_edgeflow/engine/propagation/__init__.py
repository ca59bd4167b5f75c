"""One object carried through the slices of a stack.

It imports `interaction` and what is below it.
"""
