"""What a release of Warp refuses of the places that a later one assigns to."""

from __future__ import annotations

import pytest

from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck import builtins
from kernelfuzz.typecheck.lacking import is_complete, lacking

SOURCE = """
import warp as wp

@wp.struct
class Body:
    v: wp.vec3
    m: wp.mat33
    t: wp.transform

@wp.kernel
def kernel(a: wp.array(dtype=Body), w: wp.vec3, e: wp.float32):
    s = Body()
    {}
"""
# The statement, the release that has it first, and one that had it earlier.
FORMS = [
    ("s.v[0] = e", None, None),
    ("s.v.x += e", None, None),
    ("s.v[0] += e", (1, 15), None),
    ("a[0].v[-1] -= e", (1, 15), None),
    ("s.t[3] += e", (1, 15), None),
    ("s.m[0, 1] += e", None, None),
    ("s.m[0] = w", (1, 18), None),
    ("a[0].m[1] = w", (1, 18), None),
    ("a[0].m[1] += w", (1, 18), (1, 14)),
    ("a[0].t.p = w", (1, 14), None),
    ("a[0].t.p += w", (1, 18), None),
]


@pytest.mark.parametrize(("statement", "since", "before"), FORMS, ids=[form[0] for form in FORMS])
def test_a_store_is_lacking_before_its_release(
    statement: str, since: tuple[int, int] | None, before: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = parse(SOURCE.format(statement))
    for release in [(1, minor) for minor in range(10, 20)]:
        monkeypatch.setattr(builtins, "at_least", lambda *wanted, release=release: wanted[:2] <= release)
        takes = since is None or release >= since or (before is not None and release <= before)
        assert (lacking(kernel) == "") == takes, release


def test_the_last_release_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "at_least", lambda *wanted: True)
    assert is_complete()
    monkeypatch.setattr(builtins, "at_least", lambda *wanted: wanted[:2] <= (1, 14))
    assert not is_complete()
