"""Push and pull, through everything that can go wrong between till and cloud."""
