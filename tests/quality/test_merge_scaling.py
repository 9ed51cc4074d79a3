"""How the merge of a corpus scales: the same time for each row, in the same memory."""

from __future__ import annotations

import pytest
from merge_scaling import compare  # pyright: ignore[reportMissingImports]


@pytest.mark.slow
def test_ten_times_the_rows_take_as_long_each() -> None:
    result = compare([40_000, 400_000])
    assert all(size["megabytes"] < 2000 for size in result["sizes"])
    assert result["last_to_first"] < 1.5
