"""Keyboard shortcuts: which there are, how they are kept, changed and shown.

It imports `qt`.
"""
