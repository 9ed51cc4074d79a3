"""Programs of several kernels under Warp: their text, what is wrong with a run of it, and the smallest that fails."""
