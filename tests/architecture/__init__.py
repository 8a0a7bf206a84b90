"""Locks on the shape of the project: who may import whom, how large things get, what stays out."""
