"""Receipts of activations, losses, gradients and updates: the terms of a number, down to pixels and weights."""
