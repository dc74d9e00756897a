"""From frames to what the network takes."""
