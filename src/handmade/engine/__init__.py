"""Mathematics of the package: layers, losses, gradients, optimisers and training, on NumPy alone."""
