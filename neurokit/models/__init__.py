"""Models: plain modules, tensors in, rates out."""
