"""The measures of scikit-video, made to run on today's NumPy."""
