"""Readers of recordings, which return plain arrays."""
