"""File formats: arrays and records in, files out, and back."""
