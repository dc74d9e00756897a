"""How well metrics predict opinion scores, on published data sets or on a table of your own."""
