"""Measures the till against its budgets, on the machine it runs on. No part of the product."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
