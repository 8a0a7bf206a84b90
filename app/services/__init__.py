"""The jobs that can be done at the till, one module per job. No Qt, no SQL, no HTTP."""
