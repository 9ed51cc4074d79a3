"""What a kernel is: types, nodes, launches, and how trees are walked and rewritten."""

import sys

# The one import that points upwards.  Where Hypothesis was imported first, its entry points have run, and it
# has to be told of our classes now; where it comes second, kernelfuzz.profiles does it.
if "hypothesis" in sys.modules:
    import kernelfuzz.from_type  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers)
