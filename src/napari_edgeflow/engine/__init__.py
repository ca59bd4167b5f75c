"""The engine: arrays in, arrays out; it knows nothing of napari or Qt."""
