"""Fields that several docks have: layers, models, devices, planes.

It imports `workspace`, `layers` and `qt`.
"""
