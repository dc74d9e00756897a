"""Scores corpora: a manifest in, a log and a row for each case out, and nothing lost on the way."""
