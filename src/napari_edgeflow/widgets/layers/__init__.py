"""The only code that turns layers into arrays and back.

It imports `qt` and the floors below the widgets.
"""
