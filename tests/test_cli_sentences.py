"""What the commands say to bad input is sentences with one mark at the end, and comes at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kernelfuzz.cli import main
from kernelfuzz.cli.console import Problem, sentence
from kernelfuzz.strategies.options import MOST_STATEMENTS

RELEASES = ["--old", "1.18.0", "--new", "1.19.0"]

# What follows the question mark of a hint, or the end of a sentence that is quoted.
TWO_MARKS = re.compile(r"[.?!:]\.$", re.MULTILINE)

HINTS = {
    "category": (["show", "--index", "0", "--category", "atomicc"], "did you mean 'atomic'?"),
    "feature": (["show", "--index", "0", "--include", "whlie"], "did you mean 'while'?"),
    "profile": (["show", "--index", "0", "--profile", "realistik"], "did you mean 'realistic'?"),
    "feature to leave out": (["fuzz", "--without", "whlie"], "did you mean 'while'?"),
    "category of a corpus": (
        ["corpus", "--output", "out", "--category", "atomicc"],
        "did you mean 'atomic'?",
    ),
    "category of two releases": (["compare", *RELEASES, "--category", "atomicc"], "did you mean 'atomic'?"),
    "option": (["corpus", "--output", "out", "--categry", "atomic"], "--category"),
    "command": (["copus"], "copus"),
    "the source as the output": (["lower", "{tmp}/old.py", "--output", "{tmp}/old.py"], "itself, which is kept"),
    "Python of long ago, lowered": (["lower", "{tmp}/old.py"], "Did you mean print(...)?"),
    "Python of long ago, reduced": (
        ["reduce", "{tmp}/old.py", "--fails", "lowering"],
        "Did you mean print(...)?",
    ),
}

TOO_LARGE = {
    "a kernel": ["show", "--index", "0"],
    "a corpus": ["corpus", "--output", "{tmp}/out"],
    "two releases": ["compare", *RELEASES],
}


# Each would go on for ever, or start as many processes.
ENDLESS = {
    "corpus": ["corpus", "--output", "{tmp}/out", "--count", str(10**26)],
    "campaign": ["fuzz", "--output", "{tmp}/out", "--examples", str(10**26)],
    "comparison": ["compare", *RELEASES, "--count", str(10**10)],
    "jobs": ["fuzz", "--output", "{tmp}/out", "--jobs", "100000"],
    "time of a build": ["lower", "{tmp}/old.py", "--timeout", "nan"],
    "time of a question": ["reduce", "{tmp}/old.py", "--fails", "lowering", "--timeout", "nan"],
    "time of a script": ["replay", "{tmp}/old.py", "--timeout", "nan"],
    "time of a bisection": ["bisect", "old.py", "--from", "1.18.0", "--to", "1.19.0", "--timeout", "inf"],
}


def said(capsys: pytest.CaptureFixture[str], arguments: list[str], tmp: Path) -> str:
    assert main([argument.format(tmp=tmp) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize(("arguments", "hint"), HINTS.values(), ids=list(HINTS))
def test_a_hint_ends_in_one_mark(
    arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.py").write_text('print "x"\n', encoding="utf-8")
    message = said(capsys, arguments, tmp_path)
    assert hint in message
    assert not TWO_MARKS.search(message), message


@pytest.mark.parametrize("size", ["1001", "999999999", "9" * 30, "9" * 5000], ids=len)
@pytest.mark.parametrize("command", TOO_LARGE.values(), ids=list(TOO_LARGE))
def test_a_size_without_bounds_is_refused(
    command: list[str], size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = said(capsys, [*command, "--size", size], tmp_path)
    first, see, *rest = message.splitlines()
    assert rest == []
    assert see.startswith("See 'kernelfuzz ")
    # What Python reads as no number is no number, and the names are what would do.
    expected = "size must be at most 1000 statements" if len(size) < 4300 else "choose from small, medium, large"
    assert expected in first
    assert not (tmp_path / "out").exists()


def test_help_names_the_largest_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--help"]) == 0
    assert f"a number up to {MOST_STATEMENTS}." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("drop it", "drop it."),
        ("Drop it.", "Drop it."),
        ("did you mean 'while'?", "did you mean 'while'?"),
        ("did you mean 'while'?.", "did you mean 'while'?"),
        ("it said: No such file..", "it said: No such file."),
        ("stop!", "stop!"),
    ],
)
def test_a_sentence_has_one_mark(text: str, whole: str) -> None:
    assert sentence(text) == whole


def test_a_problem_adds_no_second_mark_and_none_to_code() -> None:
    assert str(Problem("this is not Python: Did you mean print(...)?.", 2)).endswith("print(...)?")
    assert str(Problem("Warp generates no code: no such name\n    x = y", 1)).endswith("x = y")


@pytest.mark.parametrize("arguments", ENDLESS.values(), ids=list(ENDLESS))
def test_what_would_not_end_is_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = said(capsys, arguments, tmp_path)
    assert len(message.splitlines()) == 2
    assert not TWO_MARKS.search(message), message
    assert list(tmp_path.iterdir()) == []
