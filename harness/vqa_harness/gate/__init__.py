"""Pass or fail by rules in a file."""
