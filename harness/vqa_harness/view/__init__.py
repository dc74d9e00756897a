"""Looking at pairs of frames and their scores in a browser, served to this machine only."""
