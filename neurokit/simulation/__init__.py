"""What several simulated mice share: scenes, movies, cells and brain state."""
