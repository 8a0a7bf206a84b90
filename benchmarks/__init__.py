"""Measures the till against its budgets, on the machine it runs on. No part of the product."""
