"""Pixels: images of any kind, windows into them, masks and what is measured of them.

It imports `system` only; the room `outlines` inside it stands on all the others.
"""
