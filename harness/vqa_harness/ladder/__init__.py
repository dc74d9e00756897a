"""Rate-quality curves of encodings of one source."""
