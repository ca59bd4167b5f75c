"""The task of learning to follow clicks: episodes, losses, what is held back.

It imports the loop and the engine's other rooms, never `semantic`.
"""
