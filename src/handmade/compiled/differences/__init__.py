"""Exact differences of all weights of a network, in compiled loops.

A ReLU or pool that no nudge can switch is linear. Linear parts of the network are crossed once, backwards from the logits.
"""
