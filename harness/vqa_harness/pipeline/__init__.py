"""One decoding pass that feeds many metrics."""
