"""SSIMULACRA2, after libjxl's version 2.1."""
