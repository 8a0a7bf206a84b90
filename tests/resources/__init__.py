"""The drawings, fonts, sounds and the demo shop."""
