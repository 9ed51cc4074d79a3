"""``assert_never`` for every supported Python: the last case of a ``match`` over a closed union."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from typing import assert_never
else:
    from typing import NoReturn

    def assert_never(arg: NoReturn, /) -> NoReturn:
        """A type checker reports a call that can be reached, and so every node that a match misses."""
        raise AssertionError(f"expected code to be unreachable, but got: {arg!r}")


__all__ = ["assert_never"]
