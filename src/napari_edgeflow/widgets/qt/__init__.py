"""What any plugin needs of Qt and threads; nothing in it knows of labels or clicks.

It imports no other room of the widgets.
"""
