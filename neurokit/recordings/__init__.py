"""Formats of the field, read into plain arrays."""
