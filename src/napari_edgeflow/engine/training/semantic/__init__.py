"""The task of learning classes of pixels: samples, losses, what is held back.

It imports the loop and the engine's other rooms, never `clicks`.
"""
