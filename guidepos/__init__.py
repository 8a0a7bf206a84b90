"""The front door: start, wiring, command line. Knows everybody; nobody imports it."""
