"""Compares what providers bill with our ledger; RECONCILIATION.md beside this file has the rules."""
