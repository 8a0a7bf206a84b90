"""The front door: wiring and the command line. The only package that knows everybody."""

VERSION = "0.1.0"
