"""The formats: a file, or a room, for each.

It imports `annotation`, `files` and the engine; a format knows of no other.

All readers take the path of a file or folder and, where the format does not say it
itself, ``images``, the folder of the images, and ``classes``, the table of classes.
They yield an :class:`ImageAnnotation` for each image. ``report`` is told of all that
cannot be used, and the rest is read. They raise ValueError if there is nothing of the
format, and OSError if it cannot be read. Writers write all or nothing. They raise
ValueError if something does not fit the format, and OSError if a file cannot be
written.
"""
