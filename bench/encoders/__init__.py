"""Texts to vectors: sentence encoders, passages, and the weights on this machine."""
