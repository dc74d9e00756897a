"""From code values to linear light: transfer curves, primaries, matrix and range."""
