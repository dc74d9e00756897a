"""FFmpeg's side: reading, converting and writing video.

This is the only folder that imports ``av``; PyAV 18 and 19 are supported.
"""
