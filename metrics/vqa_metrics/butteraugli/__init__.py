"""Butteraugli, as libjxl 0.11 defines it."""
