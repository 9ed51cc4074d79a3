"""Every command and program in the README, the notes and the examples' pages works as it stands there.

How a page says what is special about a block: documented_blocks.py.  ``pytest`` runs what is quick, each page
in a copy of the repository of its own; ``pytest -m slow tests/documentation`` runs everything, and what
installs something from a fresh clone in a fresh environment.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import click
import pytest
from documented_blocks import Block, blocks, inline, run  # pyright: ignore[reportMissingImports]

from kernelfuzz.cli import cli

ROOT = Path(__file__).parents[2]

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for pattern in ("README.md", "notes/*.md", "notes/findings/README.md", "examples/**/README.md")
    for path in sorted(ROOT.glob(pattern))
}
BLOCKS: dict[str, list[Block]] = {name: blocks(text, name) for name, text in PAGES.items()}

# What .ci/run runs whole stands here for itself.
SHORTER = (("--time 1m", "--time 10s"), ("&& pytest", "&& pytest tests/test_architecture.py"))

HERE = Path(sys.executable).parent


def pages_with(*, slow: bool = False, installs: bool = False) -> list[str]:
    """The pages that have a block to run of the kind."""
    kind = (slow, installs)
    return [name for name in BLOCKS if any(each.runs and (each.slow, each.installs) == kind for each in BLOCKS[name])]


def the_files(root: Path) -> list[str]:
    """What git knows of, and what is new and not ignored."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a checkout made by git")
    return [name for name in done.stdout.split("\0") if name and (root / name).exists()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the working tree, where commands may leave what they like."""
    target = tmp_path / "kernelfuzz"
    for name in the_files(ROOT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_says_why_not(page: str) -> None:
    assert [each.problem for each in BLOCKS[page] if each.problem] == []


@pytest.mark.parametrize("page", pages_with())
def test_what_is_quick_works(page: str, copy: Path) -> None:
    for block in BLOCKS[page]:
        if block.runs and not block.slow and not block.installs:
            run(block, copy, HERE)


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with(slow=True))
def test_everything_works(page: str, copy: Path) -> None:
    for block in BLOCKS[page]:
        if block.runs and not block.installs:
            run(block, copy, HERE)


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with(installs=True))
def test_what_installs_works_in_a_fresh_clone(page: str, tmp_path: Path) -> None:
    """Of what is committed; needs a package index."""
    the_files(ROOT)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    venv.create(tmp_path / "fresh", with_pip=True)
    for block in BLOCKS[page]:
        if block.runs and block.installs:
            run(block.with_text(*SHORTER), tmp_path / "clone", tmp_path / "fresh" / "bin")


def options(command: str) -> set[str]:
    """What a command of ours takes; KeyError where there is no such command."""
    return {name for param in cli.commands[command].params for name in param.opts + param.secondary_opts} | {"--help"}


# A command in a sentence or a table: not run, but what it names is there.
MENTIONED = [
    (page, text)
    for page, content in PAGES.items()
    for text in inline(content)
    if re.match(r"(kernelfuzz [a-z]|python [\w/]+\.py|(python -m )?pytest )", text)
]


@pytest.mark.parametrize(("page", "text"), MENTIONED, ids=[f"{page}: {text}" for page, text in MENTIONED])
def test_what_a_sentence_mentions_exists(page: str, text: str) -> None:
    words = shlex.split(text)
    if words[0] == "kernelfuzz":
        assert isinstance(cli.commands[words[1]], click.Command)
        assert {word for word in words if word.startswith("--")} <= options(words[1])
    for word in words:
        if re.match(r"(tests|examples|notes|kernelfuzz|strategies)/", word):
            assert (ROOT / word.partition("::")[0]).exists(), f"{page}: {word}"
