"""Faults of the disk under the shipped SQLite library: power cuts, I/O errors, no room, torn pages."""
