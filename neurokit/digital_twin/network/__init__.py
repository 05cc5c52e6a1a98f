"""The foundation model of mouse visual cortex."""
