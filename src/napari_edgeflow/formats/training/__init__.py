"""What trainings read: labelled folders, COCO files and stacks, counted and surveyed.

It imports `kinds`, `annotation`, `files` and the engine.
"""
