"""The line between the real client and the real server, made bad on purpose. `python -m
tests.torture.proxy` runs every toxic with many seeds on both engines."""
