"""Stripping comments, on text that is hard to strip."""

from __future__ import annotations

import pytest

from kernelfuzz.toolchain.split_module import find_piece, split_before, strip_comments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a;\n", "a;\n"),
        ("// all\n// of it\n", ""),
        ("a; // b\nc;\n", "a;\nc;\n"),
        ("    // own line\na;\n", "a;\n"),
        ('s = "// no"; // yes\n', 's = "// no";\n'),
        ('s = "\\"// no"; // "yes\n', 's = "\\"// no";\n'),
        ("c = '\"'; // \"\n", "c = '\"';\n"),
        ("a /* b */ + c;\n", "a  + c;\n"),
        ("/* own\n lines */\na;\n", "a;\n"),
        ('s = "/* no */";\n', 's = "/* no */";\n'),
        ('s = R"(\n// no\n)";\n// yes\n', 's = R"(\n// no\n)";\n'),
        ("a; // continued \\\n still\nb;\n", "a;\nb;\n"),
        ('#line 3 "file.py"\na;\n', "a;\n"),
        ('    #line 3 "file.py"\na;\n', "a;\n"),
        ("#define LINE 1\n", "#define LINE 1\n"),
        ("a;\n// last", "a;"),
        ("// it's \"odd\na;\n", "a;\n"),
    ],
)
def test_strip_comments(text: str, expected: str) -> None:
    assert strip_comments(text) == expected


def test_split_before_cuts_at_a_definition() -> None:
    text = "\nvoid a(\n    int x)\n{\n    {\n    }\n}\n\ntemplate <>\nvoid b(\n    int x)\n{\n}\n"
    first, second = split_before(text, "void b(")
    assert first + second == text
    assert second.lstrip().startswith("template <>")
    assert split_before(text, "void c(") == (text, "")


def test_find_piece_looks_past_a_false_start() -> None:
    piece = "x" * 64 + "right"
    text = "x" * 64 + "wrong" + piece
    assert find_piece(text, piece, 0) == 69
    with pytest.raises(ValueError, match="substring not found"):
        find_piece(text, "absent", 0)
