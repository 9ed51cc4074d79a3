"""The smallest kernel that still fails in the same way."""

from kernelfuzz.reduce.engine import Interesting, Progress, candidates, is_minimal, reduce

__all__ = ["Interesting", "Progress", "candidates", "is_minimal", "reduce"]
