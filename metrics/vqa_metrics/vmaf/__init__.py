"""libvmaf through ffmpeg, fed with the aligned frames."""
