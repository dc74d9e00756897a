"""The highest CRF, or the lowest bitrate, that meets a target."""
