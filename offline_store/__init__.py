"""The encrypted SQLite store of the till. Nothing else knows SQL; it knows no Qt and no HTTP."""
