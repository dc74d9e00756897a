"""The classic metrics as data, so that listing them imports none."""
