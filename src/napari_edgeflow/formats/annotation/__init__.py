"""The record of one labelled image that all formats are written from and read into.

It imports `files` and the engine.
"""
