"""Migrations of the cloud's database."""
