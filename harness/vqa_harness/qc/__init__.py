"""Events of one video that need no reference: cuts, black, freezes, flashes, sound and more."""
