"""Make a CLIPVQA checkpoint without opinion scores: stills, motion, damage, VMAF as the label."""
