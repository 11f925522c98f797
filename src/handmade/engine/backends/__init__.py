"""What computes the numbers of a network: `plain` by the equations of its layers, `numpy` with shortcuts."""
