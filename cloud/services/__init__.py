"""What the cloud does, one module per job; knows tables and messages, no HTTP."""
