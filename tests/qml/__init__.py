"""Screens as Qt Quick draws them, on the demo shop."""
