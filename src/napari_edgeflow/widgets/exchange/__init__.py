"""The dock "Export and import".

It imports every other room of the widgets but `train`.
"""
