"""Training: one loop for all models, its settings, states, checkpoints, devices and predictions."""
