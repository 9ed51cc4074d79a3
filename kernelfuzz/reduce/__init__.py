"""The smallest kernel that still fails in the same way."""

from kernelfuzz.reduce.reduce_case import Interesting, Progress, candidates, reduce

__all__ = ["Interesting", "Progress", "candidates", "reduce"]
