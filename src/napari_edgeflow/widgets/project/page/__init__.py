"""One image of a project in the viewer: its layers, drafts and steps.

It imports nothing of the project's dock.
"""
