"""The real till core killed with SIGKILL at every named step of what it does."""
