"""Counting conventions of other tools, and the account of their numbers."""
