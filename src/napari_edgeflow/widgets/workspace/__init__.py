"""What all docks of a viewer share: the history of steps, and the docks that are open.

It imports `layers`, `keys` and `qt`.
"""
