"""What a kernel is: types, nodes, launches, and how trees are walked and rewritten."""

from kernelfuzz.hooks import HOOKS

HOOKS.imported()
