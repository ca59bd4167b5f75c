"""The dock "Train", and the process that it watches.

It imports `fields` and what is below it.
"""
