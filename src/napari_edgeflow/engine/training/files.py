"""Names of the files in a training's folder, known without loading torch."""

STATE_FILE = "training-state.pt"
"""What a training goes on from."""

COMMAND_FILE = "command.txt"
"""The commands that made what is in the folder, one a line."""

METRICS_FILE = "metrics.csv"
"""The figures of each epoch."""

PREDICTIONS_FOLDER = "predictions"
"""What the network makes of images that were held back, written after each epoch."""
