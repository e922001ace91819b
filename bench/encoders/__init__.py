"""Texts → vectors: sentence encoders, passages, and the weights on this machine.

`sentence` is the encoder of the shipped configs; `weights` finds a model and checks its hash.
"""
