"""A page that is wrong is found wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from documented_blocks import agrees, blocks, commands, inline, run  # pyright: ignore[reportMissingImports]


def run_all(page: str, folder: Path) -> None:
    for block in blocks(page):
        run(block, folder, Path(sys.executable).parent)


PAGE = """\
# A page

    true

Text with `kernelfuzz show` in it.

<!-- slow -->
<!-- exit: 0 1 -->

    false

1. A list:

   ```python
   print(1)
   ```

<!-- not run: needs a cluster -->
```sh
sbatch job.sh
```

<!-- not run: -->
```sh
shutdown
```

<!-- a remark -->

```
what is this
```

```cuda
int x;
```
"""


def test_blocks_and_their_marks() -> None:
    found = blocks(PAGE)
    assert [(each.language, each.text, dict(each.marks)) for each in found] == [
        ("sh", "true\n", {}),
        ("sh", "false\n", {"slow": "", "exit": "0 1"}),
        ("python", "print(1)\n", {}),
        ("sh", "sbatch job.sh\n", {"not run": "needs a cluster"}),
        ("sh", "shutdown\n", {"not run": ""}),
        ("", "what is this\n", {}),
        ("cuda", "int x;\n", {}),
    ]
    assert [each.runs for each in found] == [True, True, True, False, False, False, False]
    assert [each.problem is not None for each in found] == [False, False, False, False, True, True, False]
    assert list(inline(PAGE)) == ["kernelfuzz show"]


def test_commands_and_what_they_print() -> None:
    assert [each.text for each in commands("one \\\n  two\n\n# why\nthree\n")] == ["one   two", "three"]
    found = commands("$ one\n1\n\n2\n$ two\n$ three\n3\n")
    assert [(each.text, each.printed) for each in found] == [
        ("one", "1\n\n2\n"),
        ("two", None),
        ("three", "3"),
    ]


@pytest.mark.parametrize(
    ("printed", "real", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("took ... s", "took 1.5 s\n", True),
        ("took ... s", "took 1.5 minutes\n", False),
        ("a", "a\nb\n", False),
        ("(a+)", "aa\n", False),
    ],
)
def test_output_is_compared(printed: str, real: str, same: bool) -> None:
    assert agrees(printed, real) is same


@pytest.mark.parametrize(
    "page",
    [
        "    false\n",
        "    true\n    false | true\n",
        "    $ echo one\n    two\n",
        "<!-- exit: 1 -->\n\n    true\n",
        "<!-- output of Warp 1 -->\n\n    $ echo one\n    two\n",
        "```python\nraise ValueError\n```\n",
        "```python\ndef test_it():\n    assert False\n```\n",
        "<!-- file: five.py -->\n```python\nprint(5)\n```\n\n    $ python five.py\n    6\n",
    ],
)
def test_a_block_that_does_not_work_is_noticed(page: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_all(page, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        "    true\n",
        "    $ echo one; echo two >&2\n    one\n",
        "<!-- exit: 0 1 -->\n\n    true\n    false\n",
        "<!-- output of Warp 0.1 -->\n\n    $ echo one\n    two\n",
        "<!-- file: five.py -->\n```python\nprint(5)\n```\n\n    $ python five.py\n    5\n",
    ],
)
def test_a_block_that_works_passes(page: str, tmp_path: Path) -> None:
    run_all(page, tmp_path)
