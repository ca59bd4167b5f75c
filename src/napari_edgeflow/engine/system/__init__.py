"""What the system does to files and memory: writes that are whole or not there.

It imports nothing of this package.
"""
