"""The same kernels and scripts under several releases of Warp, each in an environment of its own."""
