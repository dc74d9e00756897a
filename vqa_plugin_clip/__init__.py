"""CLIPVQA (arXiv 2407.04928) for vqa-harness: video quality from a video-language network.

Importing this package imports neither torch nor open_clip; its modules do, when they are needed.
"""

import os

# ONNX Runtime reports its use to its maker from when it is imported, and keeps an identifier of the
# machine. Nobody who scores a video has asked for that; whoever sets the variable to 0 has.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
