"""One stand-in per port: honest, in memory, and breakable on purpose."""
