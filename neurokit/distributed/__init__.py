"""Several processes and machines: Ray for trials and members, torch.distributed for one model."""
