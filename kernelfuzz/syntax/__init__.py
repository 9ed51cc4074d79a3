"""Text to tree and back: kernels rendered through libcst, and read from source text."""
