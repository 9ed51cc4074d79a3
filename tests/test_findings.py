"""notes/findings: every bug has a page, a script and a row, and the scripts do what the table says."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from kernelfuzz.oracles.verdict import FAILURES
from kernelfuzz.reference.promises import BREAKING
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, Workaround

FOLDER = Path(__file__).parents[1] / "notes" / "findings"
SCRIPTS = sorted(FOLDER.glob("*.py"))


def table() -> list[dict[str, str]]:
    """The rows of the README's table, by the names of its columns."""
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, _, *rows = cells
    return [dict(zip(head, row, strict=True)) for row in rows]


def page_name(row: dict[str, str]) -> str:
    link = re.fullmatch(r"\[(.+)\]\((.+)\.md\)", row["page"])
    assert link, f"not a link to a page: {row['page']}"
    assert link[1] == link[2]
    return link[2]


ROWS = {page_name(row): row for row in table()}
RELEASES = [column for column in table()[0] if re.fullmatch(r"\d+\.\d+\.\d+", column)]


def test_every_bug_has_a_page_a_script_and_a_row():
    pages = {path.stem for path in FOLDER.glob("*.md")} - {"README"}
    assert pages == {path.stem for path in SCRIPTS}
    assert pages == set(ROWS)
    assert len(ROWS) == len(table())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_page_and_row_agree(name: str):
    row = ROWS[name]
    assert set(row["kind"].split(", ")) <= set(FAILURES)
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert f"`{name}.py`" in page
    assert page.splitlines()[2].lower().startswith(" and ".join(row["kind"].split(", ")) + ".")
    for release in RELEASES:
        assert row[release] in ("yes", "no")
        assert f"{release}: {row[release]}." in page


@pytest.mark.parametrize("row", WORKAROUNDS.values(), ids=lambda row: row.bug)
def test_a_workaround_names_the_releases_of_the_table(row: Workaround):
    stated = ROWS[row.bug]
    assert row.releases == tuple(release for release in RELEASES if stated[release] == "yes")
    assert row.of_gradients == (stated["kind"] == "wrong gradient")


def test_a_bug_that_breaks_a_promise_is_called_so():
    assert set(BREAKING) == {name for name, row in ROWS.items() if row["kind"] == "broken promise"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel cache that nobody else writes into: Warp ends a process where two build one kernel there at once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_shows_what_the_table_says(script: Path, cache: Path):
    environment = {**os.environ, "WARP_CACHE_PATH": str(cache)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    stated = ROWS[script.stem].get(version("warp-lang"))
    expected = {"yes": (1,), "no": (0,), None: (0, 1)}[stated]
    assert done.returncode in expected, done.stdout + done.stderr
    assert "expected:" in done.stdout, "the script ended before it could tell:\n" + done.stderr
    assert "actual:" in done.stdout or "rejected:" in done.stdout
