"""Gratings: the Park et al. recording, tuning and running models, and their splits, for real_gratings.py."""
