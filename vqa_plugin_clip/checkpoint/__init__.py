"""Weights and their cards: found, read, written, imported from elsewhere."""
