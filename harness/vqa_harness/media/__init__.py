"""FFmpeg's side: reading, converting and writing video; the only folder that imports PyAV."""
