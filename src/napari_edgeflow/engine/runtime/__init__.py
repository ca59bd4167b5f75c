"""Networks that are ready to run, by ONNX Runtime or by torch, on any device.

It imports `checkpoints`, `networks` and what is below them.
"""
