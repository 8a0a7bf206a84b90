"""Brings journal and members up and reference down, exactly once, whatever happens between."""
