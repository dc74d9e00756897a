"""The interface for Python scripts: scores, videos in memory, results.

The names are public as attributes of `vqa_harness`; the files they lie in may change.
"""
