"""Arithmetic without files: pooling, BD-rate, convex hull, agreement with opinion scores."""
