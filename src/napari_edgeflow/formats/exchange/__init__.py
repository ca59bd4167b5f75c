"""Any format in, any format out: what is found in a folder, and what is written to one.

It imports `kinds`, `annotation`, `files` and the engine.
"""
