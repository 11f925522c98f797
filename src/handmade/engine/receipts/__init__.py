"""How a number came about: receipts of activations, losses, gradients and updates, down to pixels and weights."""
