"""Whole programs against each other: till and cloud as commands, on real files."""
