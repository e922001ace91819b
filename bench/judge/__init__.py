"""Labelling by people: the order of pairs, files that are always whole, and two terminal screens."""
