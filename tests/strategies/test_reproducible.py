"""A kernel is a pure function of the grammar version, the seed and the index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION, generate, generate_many
from kernelfuzz.syntax.render import render

ROOT = Path(__file__).parents[2]
COUNT = 20

# The first numbers of SeededChoices("a", 1).
PINNED = [38, 72, 94, 11, 43, 24, 24, 66, 6, 22, 23, 17]
PINNED_WIDE = [126359529454, -145630969305, 597096017247]

DIGEST = f"""
import hashlib
from kernelfuzz.syntax.render import render
from kernelfuzz.strategies.kernel import generate_many
text = "".join(render(kernel) for kernel in generate_many({COUNT}, seed=7))
print(hashlib.sha256(text.encode()).hexdigest())
"""
# What else a user's process may have done before.
DISTURBANCE = """
import random, numpy, warp
random.seed(3)
numpy.random.seed(4)
import hypothesis.strategies as st
from kernelfuzz.ir.types import FLOAT64
from kernelfuzz.strategies import expressions, kernels
from kernelfuzz.strategies.kernel import generate
for index in reversed(range(5)):
    generate(seed=99, index=index, dtypes=["float64"])
"""


def here() -> str:
    text = "".join(render(kernel) for kernel in generate_many(COUNT, seed=7))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("hash_seed", "program", "flags"),
    [
        ("0", DIGEST, ()),
        ("1", DIGEST, ("-O",)),
        ("12345", DISTURBANCE + DIGEST, ()),
        ("2", DIGEST, ("-I",)),
    ],
    ids=["plain", "another hash seed, optimized", "after other work", "isolated"],
)
def test_another_process_draws_the_same_kernels(hash_seed: str, program: str, flags: tuple[str, ...]) -> None:
    # An isolated Python does not see the environment: its hash seed is random.
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    command = [sys.executable, *flags, "-c", path + program]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == here()


def test_a_kernel_does_not_depend_on_those_drawn_before() -> None:
    alone = render(generate(seed=5, index=11))
    for index in (3, 50, 11, 12):
        generate(seed=5, index=index)
        generate(seed=6, index=index, size="large", exclude=["struct"])
    assert render(generate(seed=5, index=11)) == alone


def test_many_are_those_drawn_one_by_one() -> None:
    options: dict[str, Any] = {"include": ["ternary"], "size": "small"}
    together = list(generate_many(12, seed=8, start=30, **options))
    assert together == [generate(seed=8, index=index, **options) for index in range(30, 42)]
    assert list(generate_many(5, seed=8, category="math")) == [
        generate(seed=8, index=index, category="math") for index in range(5)
    ]
    assert list(generate_many(0, seed=8)) == []


def test_other_indices_give_other_kernels() -> None:
    assert len({render(kernel) for kernel in generate_many(100, seed=9)}) >= 98


def test_other_seeds_give_other_kernels() -> None:
    assert len({render(generate(seed=seed, index=4)) for seed in range(100)}) >= 98


def test_a_seed_and_its_index_are_two_numbers() -> None:
    assert render(generate(seed=1, index=23, category="math")) != render(generate(seed=12, index=3, category="math"))


def test_the_stream_of_numbers_never_changes() -> None:
    """Every corpus ever made depends on it: a change needs a new grammar version, not a new number here."""
    choices = SeededChoices("a", 1)
    assert [choices.integer(0, 99) for _ in range(12)] == PINNED
    assert [choices.integer(-(2**40), 2**40) for _ in range(3)] == PINNED_WIDE


def test_a_source_of_choices_is_a_function_of_its_whole_key() -> None:
    def numbers(*key: object) -> list[int]:
        choices = SeededChoices(*key)
        return [choices.integer(0, 10**6) for _ in range(4)]

    assert numbers(1, 2, 3) == numbers(1, 2, 3)
    assert len({tuple(numbers(*key)) for key in ((1, 2, 3), (1, 3, 2), (1, 2), (12, 3), (1, 2, 3, 0))}) == 5


def test_numbers_reach_both_ends_of_their_range() -> None:
    choices = SeededChoices("ends")
    assert {choices.integer(-1, 2) for _ in range(200)} == {-1, 0, 1, 2}
    assert choices.integer(5, 5) == 5


# The digest of fifty kernels for each version of the grammar: a change that moves it has to raise
# GRAMMAR_VERSION, or old seeds would mean new kernels.
DIGESTS = {6: "5abdbacc010bdd48"}


def test_a_grammar_version_means_the_same_kernels_for_ever() -> None:
    text = "".join(map(str, generate_many(50, seed=0)))
    assert DIGESTS[GRAMMAR_VERSION] == hashlib.sha256(text.encode()).hexdigest()[:16]
