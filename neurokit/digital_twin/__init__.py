"""Digital twins: training, transfer and evaluation of the foundation model."""
