"""The dock "Segment automatically".

It imports `clicks`, `classes`, `fields` and what is below them.
"""
