"""The binary search: the answer, how many releases it takes, and what happens at the ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kernelfuzz.releases.bisection import Bisection, bisect
from kernelfuzz.releases.run_script import Presence, ScriptOutcome

RELEASES = tuple(f"1.{minor}.0" for minor in range(10, 20))


def search(first: int, *, fixed: bool = False, broken: frozenset[int] = frozenset(), width: int = 1) -> Bisection:
    """A bug that came (or was fixed) in 1.``first``.0, and releases at which nothing can be told."""

    def outcome(release: str) -> ScriptOutcome:
        minor = int(release.split(".")[1])
        if minor in broken:
            return ScriptOutcome("broken", "ImportError: x", 0.0)
        presence: Presence = "present" if (minor >= first) != fixed else "fixed"
        return ScriptOutcome(presence, "", 0.0)

    def attempt(releases: Sequence[str]) -> list[ScriptOutcome]:
        assert 1 <= len(releases) <= width
        return [outcome(release) for release in releases]

    return bisect(RELEASES, attempt, wanted="fixed" if fixed else "present", width=width)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("first", range(11, 20))
def test_every_first_release_is_found(first: int, fixed: bool) -> None:
    result = search(first, fixed=fixed)
    assert (result.ending, result.release, result.before) == ("found", f"1.{first}.0", f"1.{first - 1}.0")
    assert result.untold == ()
    assert [each.release for each in result.tried[:2]] == ["1.10.0", "1.19.0"]
    assert len(result.tried) <= 2 + 4
    assert len({each.release for each in result.tried}) == len(result.tried)


@pytest.mark.parametrize("width", [2, 3, 20])
@pytest.mark.parametrize("first", range(11, 20))
@pytest.mark.parametrize("broken", [frozenset[int](), frozenset([12, 13, 17])], ids=["all tell", "some cannot tell"])
def test_several_at_a_time_find_the_same(first: int, width: int, broken: frozenset[int]) -> None:
    one, several = search(first, broken=broken), search(first, broken=broken, width=width)
    assert (several.ending, several.release, several.before, several.untold) == (
        one.ending,
        one.release,
        one.before,
        one.untold,
    )
    assert len({each.release for each in several.tried}) == len(several.tried)


@pytest.mark.parametrize("fixed", [False, True])
def test_the_change_is_in_the_oldest_already(fixed: bool) -> None:
    result = search(10, fixed=fixed)
    assert (result.ending, result.release, len(result.tried)) == ("already", "1.10.0", 1)


@pytest.mark.parametrize("fixed", [False, True])
def test_the_change_is_not_in_the_newest(fixed: bool) -> None:
    result = search(20, fixed=fixed)
    assert (result.ending, result.release, len(result.tried)) == ("never", "1.19.0", 2)


@pytest.mark.parametrize(("broken", "tried"), [(10, 1), (19, 2)])
def test_an_end_that_cannot_be_told(broken: int, tried: int) -> None:
    result = search(15, broken=frozenset([broken]))
    assert (result.ending, result.release, len(result.tried)) == ("broken", f"1.{broken}.0", tried)


def test_releases_that_cannot_be_told_are_passed_over() -> None:
    result = search(13, broken=frozenset([14, 15]))
    assert (result.release, result.before, result.untold) == ("1.13.0", "1.12.0", ())
    result = search(15, broken=frozenset([14, 15]))
    assert (result.release, result.before, result.untold) == ("1.16.0", "1.13.0", ("1.14.0", "1.15.0"))


def test_two_releases_are_enough() -> None:
    result = bisect(
        ("1.0", "2.0"), lambda some: [ScriptOutcome("present" if each == "2.0" else "fixed", "", 0.0) for each in some]
    )
    assert (result.release, len(result.tried)) == ("2.0", 2)
