"""CLIPVQA (arXiv 2407.04928) for vqa-harness: video quality from a video-language network.

Importing this package imports neither torch nor open_clip; its modules do, when they are needed.
"""

__version__ = "0.1.0"
