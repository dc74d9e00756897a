"""The CLIPVQA network: towers, aggregation, head, labels and captions."""
