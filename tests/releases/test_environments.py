"""Environments: made once, whole or not at all, and never by two at the same time."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fake_python import fake_python  # pyright: ignore[reportMissingImports]

from kernelfuzz.releases import environments
from kernelfuzz.releases.environments import ReleaseError, environment, released

NAME = f"warp-1.18.0-py{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("KERNELFUZZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "envs"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """How the interpreter that stands in for this one was called."""
    python, log = fake_python(tmp_path)
    monkeypatch.setattr(sys, "executable", python)
    return log


def calls(log: Path, what: str) -> int:
    return sum(what in line for line in log.read_text().splitlines())


def test_an_environment_is_made_once(cache: Path, log: Path) -> None:
    said: list[str] = []
    first = environment("1.18.0", making=said.append)
    assert first.python == str(cache / NAME / "bin" / "python")
    assert (first.label, first.warp) == ("1.18.0", "1.18.0")
    assert len(said) == 1
    assert "1.18.0" in said[0]
    assert environment("1.18.0", making=said.append) == first
    assert (len(said), calls(log, "-m venv"), calls(log, "pip install")) == (1, 1, 1)
    assert "warp-lang==1.18.0" in log.read_text()
    assert sorted(path.name for path in cache.iterdir()) == sorted([f".{NAME}.lock", NAME])


def test_a_release_that_cannot_be_installed_leaves_nothing(cache: Path, log: Path) -> None:
    for _ in range(2):
        with pytest.raises(ReleaseError, match=r"Warp 9\.9\.9 cannot be installed: No matching distribution"):
            environment("9.9.9")
    assert calls(log, "pip install") == 2
    assert [path for path in cache.iterdir() if not path.name.endswith(".lock")] == []


def test_what_is_half_made_is_not_used(cache: Path, log: Path) -> None:
    left = cache / f".{NAME}.making-x"
    (left / "bin").mkdir(parents=True)
    (left / "bin" / "python").write_text("half")
    (cache / NAME / "lib").mkdir(parents=True)
    environment("1.18.0")
    assert calls(log, "pip install") == 1
    assert not left.exists()
    assert not (cache / NAME / "lib").exists()


def test_two_at_once_make_one(cache: Path, log: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(environment, ["1.18.0"] * 3))
    assert len(set(made)) == 1
    assert calls(log, "-m venv") == 1


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELFUZZ_CACHE", "/proc/kernelfuzz")
    with pytest.raises(ReleaseError, match="KERNELFUZZ_CACHE"):
        environment("1.18.0")


def test_an_interpreter_is_taken_as_it_is(tmp_path: Path) -> None:
    python, _ = fake_python(tmp_path)
    assert environment(python).python == python
    home = tmp_path / "venv"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(python)
    # Not what the link leads to: by the link Python knows that it is in an environment.
    assert environment(str(home)).python == str(home / "bin" / "python")


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ('{"warp": null, "missing": []}', "has no Warp"),
        ('{"warp": "1.18.0", "missing": ["libcst"]}', "lacks libcst"),
        ("hello", "no Python interpreter"),
        ("[1]", "no Python interpreter"),
    ],
)
def test_an_interpreter_that_will_not_do(about: str, said: str, tmp_path: Path) -> None:
    python, _ = fake_python(tmp_path, about=about)
    with pytest.raises(ReleaseError, match=said):
        environment(python)


@pytest.mark.parametrize("asked", ["/no/such/python", "latest", "1.18.x", ""])
def test_what_is_neither_release_nor_interpreter(asked: str) -> None:
    with pytest.raises(ReleaseError, match="neither a release"):
        environment(asked)


@pytest.mark.usefixtures("log")
def test_releases_are_final_and_in_order() -> None:
    assert released() == ("1.9.1", "1.10.0", "1.10.1", "1.18.0", "1.19.0")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERNELFUZZ_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/somebody/cache")
    assert environments.cache_directory() == Path("/home/somebody/cache/kernelfuzz")
