"""Exports and imports of a project as a whole.

It imports every other room of a project.
"""
