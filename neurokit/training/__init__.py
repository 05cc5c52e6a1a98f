"""Training: one loop for all models, its settings, states and checkpoints, devices, and predictions."""
