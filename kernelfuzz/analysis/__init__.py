"""Questions about a tree: what tells it from others, what it writes, and the same over float64."""
