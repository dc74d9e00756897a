"""One HTML file from logs or a ladder."""
