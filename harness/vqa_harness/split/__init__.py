"""One long video scored in pieces by several processes, equal to a run in one piece."""
