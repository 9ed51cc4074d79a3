"""Changes of a kernel that must not change what it computes.

The metamorphic oracle holds a kernel against itself after one of them.  Each respects what Warp documents
to be different from Python: an expression that changes something is not moved, a constant that a dynamic
loop changes stays a variable, ``+=`` on an element of an array stays atomic.
"""

from kernelfuzz.oracles.transformations.assignments import ASSIGNMENTS
from kernelfuzz.oracles.transformations.branches import BRANCHES
from kernelfuzz.oracles.transformations.constants import CONSTANTS
from kernelfuzz.oracles.transformations.declarations import DECLARATIONS
from kernelfuzz.oracles.transformations.functions import FUNCTIONS
from kernelfuzz.oracles.transformations.loops import LOOPS
from kernelfuzz.oracles.transformations.opaque import OPAQUE
from kernelfuzz.oracles.transformations.transformation import Transformation

TRANSFORMATIONS: tuple[Transformation, ...] = (
    *LOOPS,
    *FUNCTIONS,
    *OPAQUE,
    *CONSTANTS,
    *ASSIGNMENTS,
    *BRANCHES,
    *DECLARATIONS,
)

__all__ = ["TRANSFORMATIONS", "Transformation"]
