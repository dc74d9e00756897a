"""What Python scripts use: scores, videos in memory, results.

The names are public as attributes of `vqa_harness`; where they lie may change.
"""
