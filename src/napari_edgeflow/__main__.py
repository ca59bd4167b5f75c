"""``python -m napari_edgeflow``: the command line."""

import sys

from napari_edgeflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
