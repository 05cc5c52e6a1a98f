"""Figures: one style, axes with names and units, every score beside its reference."""
