"""The determinism oracle finds what it must, and passes what is deterministic."""

from __future__ import annotations

import textwrap

import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import INT32, Array
from kernelfuzz.oracles.determinism import DeterminismWorkerFailed, Difference, differences, judge
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.toolchain import Lowering, compat, lower

KERNEL = """
    @wp.kernel
    def kernel(out: wp.array(dtype=int)):
        out[0] = wp.static({value})
"""


def source(value: str, head: str = "") -> str:
    return "import warp as wp\n" + head + textwrap.dedent(KERNEL.format(value=value))


PLAIN = source("3")
BY_HASH = source("hash('kernelfuzz') % 1000003")
BY_TIME = source("time.time_ns() % 1000000007", "import time\n")
# Asks whether it is the first source of its process.
BY_HISTORY = source(
    "found", "import sys\nfound = int(sys.modules.setdefault('kernelfuzz_first', __name__) == __name__)\n"
)

# notes/findings/code-depends-on-hash-seed.md
LEFTOVER_COUNTERS = """
import warp as wp

@wp.kernel
def kernel(n: int, out: wp.array(dtype=int)):
    for alpha in range(2):
        out[0] = alpha
    for beta in range(3):
        out[0] = beta
    for gamma in range(4):
        out[0] = gamma
    for _ in range(n):
        alpha = alpha + 1
        beta = beta + 2
        gamma = gamma + 3
    out[0] = alpha + beta + gamma
"""


def test_planted_defects_are_told_apart_from_each_other() -> None:
    found = differences([PLAIN, BY_HASH, BY_TIME, "import warp as wp\n", PLAIN])
    assert found[0] is None
    assert found[4] is None
    assert found[3] == "empty"
    hashed, timed = found[1], found[2]
    assert isinstance(hashed, Difference)
    assert hashed.cause == "PYTHONHASHSEED"
    assert isinstance(timed, Difference)
    assert timed.cause == "how often it was lowered in the process"


def test_a_dependence_on_what_came_before_is_found() -> None:
    found = differences([BY_HISTORY, PLAIN, BY_HISTORY.replace("found", "first")])
    assert found[1] is None
    assert [each.cause for each in (found[0], found[2]) if isinstance(each, Difference)] == [
        "what was lowered before"
    ] * 2


@pytest.mark.skipif(compat.version() != "1.19.0", reason="the bug of this release")
def test_the_known_bug_is_found() -> None:
    (found,) = differences([LEFTOVER_COUNTERS])
    assert found == Difference("cpu", "text", "PYTHONHASHSEED")


def test_drawn_kernels_are_deterministic() -> None:
    kernels = [generate(seed=11, index=index, size="small") for index in range(6)]
    verdicts = judge(kernels)
    assert [verdict.status for verdict in verdicts] == ["passed"] * len(kernels)


def test_a_batch_of_none_starts_no_process() -> None:
    assert judge([], timeout=0.0) == []


def test_a_failed_verdict_says_what_and_where() -> None:
    """The kernel of the known bug, in our IR."""
    names = ("alpha", "beta", "gamma")
    out = n.Name("out", Array(INT32))
    place = n.Index(out, (n.Literal(0, INT32),), INT32)
    loops = [n.For(name, (n.Literal(2, INT32),), (n.Assign(place, n.Name(name, INT32)),)) for name in names]
    changed = tuple([n.AugAssign(n.Name(name, INT32), "+", n.Literal(1, INT32)) for name in names])
    last = [n.Assign(place, n.Name(name, INT32)) for name in names]
    body = (*loops, n.For("k", (n.Name("n", INT32),), changed), *last)
    kernel = n.Kernel("kernel", (n.Param("n", INT32), n.Param("out", Array(INT32))), body)
    (verdict,) = judge([kernel])
    if compat.version() == "1.19.0":
        assert (verdict.status, verdict.kind) == ("failed", "not deterministic")
        assert verdict.reason == "the text for cpu depends on PYTHONHASHSEED"
    else:
        assert verdict.status == "passed"


def test_a_worker_that_dies_is_no_verdict() -> None:
    with pytest.raises(DeterminismWorkerFailed, match="ended with exit code 7"):
        differences(["import os\nos._exit(7)\n"])


def test_lowering_gives_the_hash_of_the_module() -> None:
    one, other = lower(PLAIN), lower(PLAIN.replace("3", "4"))
    assert isinstance(one, Lowering)
    assert isinstance(other, Lowering)
    assert len(one.module_hash) == 64
    assert one.module_hash != other.module_hash
