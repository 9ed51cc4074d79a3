"""Changes of a kernel that must not change what it computes.

The metamorphic oracle holds a kernel against itself after one of them.  Each respects what Warp documents
to be different from Python: an expression that changes something is not moved, a constant that a dynamic
loop changes stays a variable, ``+=`` on an element of an array stays atomic.
"""

from kernelfuzz.rewrites.control_flow import BRANCHES
from kernelfuzz.rewrites.counting import LOOPS
from kernelfuzz.rewrites.inlining import FUNCTIONS
from kernelfuzz.rewrites.opaque import OPAQUE
from kernelfuzz.rewrites.parameters import DECLARATIONS
from kernelfuzz.rewrites.spellings import CONSTANTS
from kernelfuzz.rewrites.temporaries import ASSIGNMENTS
from kernelfuzz.rewrites.transformation import Transformation

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
