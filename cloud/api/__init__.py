"""HTTP endpoints of the cloud: they read a message, call one service and answer with a message."""
