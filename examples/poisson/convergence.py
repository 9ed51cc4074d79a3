"""Does the error fall as theory says?  With elements of degree p, as the power p + 1 of the size of a cell.

python examples/poisson/convergence.py          # every case; exits with 1 where an order is wrong
python examples/poisson/convergence.py waves    # the cases of one problem
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from poisson import PROBLEMS, Problem, l2_error

# How far the observed order may be off: what is left of terms of higher order at these resolutions.
TOLERANCE = 0.15


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the study."""

    problem: Problem
    geometry: str
    degree: int
    resolutions: tuple[int, ...]


STUDY = (
    Case(PROBLEMS["waves"], "squares", 1, (8, 16, 32)),
    Case(PROBLEMS["waves"], "squares", 2, (8, 16, 32)),
    Case(PROBLEMS["waves"], "triangles", 1, (8, 16, 32)),
    Case(PROBLEMS["waves"], "triangles", 2, (8, 16, 32)),
    Case(PROBLEMS["growth"], "squares", 1, (4, 8, 16)),
    Case(PROBLEMS["growth"], "squares", 2, (4, 8, 16)),
    Case(PROBLEMS["growth"], "triangles", 1, (4, 8, 16)),
    Case(PROBLEMS["growth"], "triangles", 2, (4, 8, 16)),
    Case(PROBLEMS["quintic"], "squares", 3, (2, 4, 8)),
    Case(PROBLEMS["quintic"], "triangles", 3, (2, 4, 8)),
    Case(PROBLEMS["room"], "cubes", 1, (4, 8, 16)),
    Case(PROBLEMS["room"], "cubes", 2, (2, 4, 8)),
    Case(PROBLEMS["room"], "tetrahedra", 1, (4, 8, 16)),
    Case(PROBLEMS["room"], "tetrahedra", 2, (4, 6, 8)),
)


def errors(case: Case) -> list[float]:
    """The L2 error at each resolution."""
    return [l2_error(case.problem, case.geometry, case.degree, each) for each in case.resolutions]


def observed_order(resolutions: Sequence[int], errors: Sequence[float]) -> float:
    """The slope of log(error) over log(size of a cell), by least squares."""
    slope, _ = np.polyfit(-np.log(resolutions), np.log(errors), 1)
    return float(slope)


def check(case: Case) -> tuple[list[float], float]:
    """The errors and their order.  Raises AssertionError where it is not that of the elements."""
    found = errors(case)
    order = observed_order(case.resolutions, found)
    assert abs(order - (case.degree + 1)) <= TOLERANCE, (
        f"{case.problem.name} on {case.geometry} of degree {case.degree}: the observed order is {order:.2f}, "
        f"not {case.degree + 1}; the errors are {', '.join(f'{error:.2e}' for error in found)}"
    )
    return found, order


def main() -> int:
    parser = argparse.ArgumentParser(description="Orders of convergence of Poisson's equation in warp.fem.")
    parser.add_argument("problem", nargs="?", choices=sorted(PROBLEMS), help="default: all")
    chosen = parser.parse_args().problem
    wrong = 0
    for case in STUDY:
        if chosen not in (None, case.problem.name):
            continue
        try:
            found, order = check(case)
        except AssertionError as error:
            wrong += 1
            print(error, file=sys.stderr)
            continue
        listed = "  ".join(f"{error:.2e}" for error in found)
        print(
            f"{case.problem.name:8} {case.geometry:11} degree {case.degree}  order {order:.2f}  {listed}",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
