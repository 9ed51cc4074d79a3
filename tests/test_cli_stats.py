"""``kernelfuzz stats``: numbers for people and for scripts, and a page that stands alone."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from corpora import clusters  # pyright: ignore[reportMissingImports]

import kernelfuzz
from kernelfuzz.cli import main
from kernelfuzz.corpus.build_row import Drawn, drawn, make_row
from kernelfuzz.corpus.near_duplicates import split_of
from kernelfuzz.corpus.row import encode
from kernelfuzz.strategies.options import Size
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.toolchain import Lowering, compat, lower_devices

CATEGORY_NAMES = [name for name, category in CATEGORIES.items() if category.default]


def lines_of(count: int, size: Size = "medium") -> list[bytes]:
    """The rows of so many kernels, as a corpus has them."""
    import msgspec

    version = compat.version()
    kernels: dict[str, Drawn] = {}
    for index in range(count):
        category = CATEGORY_NAMES[index % len(CATEGORY_NAMES)]
        kernel = kernelfuzz.generate(seed=0, index=index, category=category, size=size)
        one = drawn(kernel, category, seed=0, index=index)
        kernels.setdefault(one.id, one)
    cluster_of = clusters((one.id, one.sketch) for one in kernels.values())
    lines: list[bytes] = []
    for one in kernels.values():
        for lowering in lower_devices(one.source, ("cpu", "cuda")).values():
            assert isinstance(lowering, Lowering)
            row = make_row(one, lowering, version, scope="kernel")
            cluster = cluster_of[one.id]
            row = msgspec.structs.replace(row, near_duplicate_cluster=cluster, split=split_of(cluster))
            lines.append(encode(row))
    return lines


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve kernels for both devices."""
    path = tmp_path_factory.mktemp("corpus") / "rows.jsonl"
    path.write_bytes(b"".join(lines_of(12)))
    return path


# -------------------------------------------------------------------------------------------- the command


def test_json_is_one_object(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", str(corpus), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["rows"], found["kernels"]) == (24, 12)
    assert found["devices"] == {"cpu": 12, "cuda": 12}
    assert sum(sum(counts.values()) for counts in found["categories"].values()) == 24
    assert found["builtins"]["tid"] > 6
    assert said.err == ""


def test_tables_are_plain_and_fit(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", str(corpus)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("24 rows of 12 kernels, 0 exact duplicates; warp ")
    for title in ("rows by category", "sizes", "kernels that call a builtin", "shares here and in published"):
        assert re.search(rf"^{title}", text, re.MULTILINE), title
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text, "something was cut off"
    assert "\x1b" not in text
    assert not set(text) & set("─│┃━")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no "),
        (b'{"a": 1}\n', "is no corpus: row 1: "),
        (b"{", "rows.jsonl:1"),
        (b"", "holds no rows"),
    ],
    ids=["missing", "other", "broken", "empty"],
)
def test_what_is_no_corpus_is_a_sentence(
    content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    if content is not None:
        path.write_bytes(content)
    page = tmp_path / "page.html"
    assert main(["stats", str(path), "--html", str(page)]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not page.exists()


def test_a_directory_that_is_no_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", str(tmp_path)]) == 2
    assert "manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize("name", [".", "none/page.html"])
def test_a_page_that_cannot_be_written_is_a_sentence(
    name: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", str(corpus), "--html", str(tmp_path / name)]) == 2
    printed = capsys.readouterr()
    assert "--html" in printed.err
    assert printed.out == ""


def test_a_page_is_whole_or_not_there(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "page.html"
    target.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert main(["stats", str(corpus), "--html", str(target)]) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"page.html": "before"}


# ----------------------------------------------------------------------------------------------- the page


class Page(HTMLParser):
    """What the tests ask of a page; raises AssertionError where an element is not closed in its place."""

    EMPTY = ("meta", "link", "rect", "line", "circle", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.tags if name == tag)


@pytest.fixture(scope="module")
def page(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    assert main(["stats", str(corpus), "--json", "--html", str(path)]) == 0
    return path


def test_the_page_stands_alone(page: Path) -> None:
    found = Page(page.read_text(encoding="utf-8"))
    assert {"script", "img", "iframe", "object", "base"}.isdisjoint(tag for tag, _ in found.tags)
    asked = [value for _, attrs in found.tags for key, value in attrs.items() if key in ("src", "href")]
    assert asked == ["data:,"]
    style = page.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_plot_has_a_title_and_its_numbers(page: Path) -> None:
    found = Page(page.read_text(encoding="utf-8"))
    plots = [attrs.get("aria-label") for tag, attrs in found.tags if attrs.get("role") == "img"]
    pairs = [attrs for tag, attrs in found.tags if tag == "figure" and attrs.get("class") == "pair"]
    assert len(plots) == len(set(plots)) == found.count("details") == found.count("table") >= 12
    assert found.count("h3") == found.count("figure") == len(plots) + len(pairs)
    assert len(pairs) == 3
    assert found.count("pre") == 6


def test_the_page_shows_the_pairs(page: Path, corpus: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = [re.sub("<[^>]*>", "", pre) for pre in re.findall("<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    sources = {row["python_source"].strip("\n") for row in rows}
    assert {html.unescape(code) for code in shown[::2]} <= sources
    assert all("__global__" in code for code in shown[1::2])


def test_the_page_is_the_same_bytes_everywhere(page: Path, corpus: Path, tmp_path: Path) -> None:
    # Another process, with another order of sets and another place.
    other = tmp_path / "elsewhere.jsonl"
    shutil.copy(corpus, other)
    again = tmp_path / "again.html"
    program = "import sys; from kernelfuzz.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "stats", str(other), "--html", str(again)],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == page.read_bytes()


def test_a_corpus_of_one_row_has_a_page(corpus: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.jsonl"
    one.write_bytes(corpus.read_bytes().splitlines(keepends=True)[0])
    target = tmp_path / "page.html"
    assert main(["stats", str(one), "--json", "--html", str(target)]) == 0
    assert Page(target.read_text(encoding="utf-8")).count("pre") == 2


# ---------------------------------------------------------------------------------------------- a browser

# Added to a copy of the page: the page itself has no script.
PROBE = """<script>
addEventListener("load", () => parent.postMessage(JSON.stringify({
  view: innerWidth,
  wide: document.documentElement.scrollWidth,
  asked: performance.getEntriesByType("resource").map(entry => entry.name),
}), "*"));
</script></body>"""

# A window has a least width, a frame has none.
FRAME = """<!DOCTYPE html><body>
<iframe src="probed.html" style="border: 0; width: {width}px; height: 900px"></iframe>
<script>onmessage = said => document.body.innerHTML = "<output>" + said.data + "</output>"</script>"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_the_page(width: int, page: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no chromium")
    host, probed = tmp_path / "host.html", tmp_path / "probed.html"
    host.write_text(FRAME.format(width=width), encoding="utf-8")
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    options += ["--dump-dom", "--virtual-time-budget=10000"]
    done = subprocess.run(
        [
            browser,
            *options,
            f"--user-data-dir={tmp_path / 'profile'}",
            str(host),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert "CONSOLE" not in done.stderr
    answer = re.search("<output>(.*)</output>", done.stdout)
    assert answer is not None
    measured = json.loads(answer[1])
    assert measured["view"] == width
    assert measured["wide"] <= width
    assert measured["asked"] == []
