"""Figures of models and of people: IoU of classes, clicks needed, effort spent.

It imports `interaction`, `segmentation` and what is below them.
"""
