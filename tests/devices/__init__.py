"""Adapters to the machine: real files, a real keyring, real symbols read back."""
