"""Generated harnesses: the function of a finding called by itself, ten thousand times, on both sides."""
