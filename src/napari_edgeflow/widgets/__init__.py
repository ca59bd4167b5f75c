"""What a person sees of the engine: docks, and the layers they work on.

It imports everything below it and does no arithmetic. Its rooms, from the ground up:
qt, keys, layers, workspace, fields, classes, clicks, then segment, objects, train and
project, and exchange on top.
"""
