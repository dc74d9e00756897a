"""Training a CLIPVQA checkpoint on opinion scores, with the recipe of the paper."""
