"""What a merge decides does not depend on how it is divided, and is what comparing everything with everything gives."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from corpora import id_of, merged  # pyright: ignore[reportMissingImports]

from kernelfuzz.corpus.components import EDGE, both_ways, large_star, small_star
from kernelfuzz.corpus.merge import Merged, hex_of
from kernelfuzz.corpus.near_duplicates import LINKED, SKETCH_NUMBERS, split_of
from kernelfuzz.corpus.row import SPLITS
from kernelfuzz.corpus.shard import Key
from kernelfuzz.devices import DEVICES, Device

BAND = 4


def sketches(seed: int, count: int) -> list[list[int]]:
    """Sketches: random ones, copies with changes, and many that have a band in common and little else."""
    draw = random.Random(seed)

    def changed(sketch: list[int], changes: int) -> list[int]:
        copy = list(sketch)
        for at in draw.sample(range(BAND, SKETCH_NUMBERS), changes):
            copy[at] = draw.getrandbits(32)
        return copy

    found = [[draw.getrandbits(32) for _ in range(SKETCH_NUMBERS)] for _ in range(count // 4)]
    found += [changed(draw.choice(found), draw.randint(0, 28)) for _ in range(count // 4)]
    found += [changed(found[0], draw.randint(15, 50)) for _ in range(count // 2)]
    return found


def keys_of(texts: Sequence[list[int]]) -> list[Key]:
    """Two rows for each sketch, and some of them again."""
    keys = [
        Key(id_of(number), device, np.array(text, "<u4").tobytes())
        for number, text in enumerate(texts)
        for device in DEVICES
    ]
    draw = random.Random(1)
    for again in draw.sample(keys, len(keys) // 8):
        keys.insert(draw.randrange(len(keys)), again)
    return keys


def clusters_by_brute_force(keys: Sequence[Key]) -> dict[str, str]:
    """The cluster of each id, where everything is compared with everything."""
    sketch_of = {key.id: np.frombuffer(key.sketch, "<u4") for key in keys}
    found = {id: id for id in sketch_of}
    for one, other in itertools.combinations(sketch_of, 2):
        same = sketch_of[one] == sketch_of[other]
        if same.reshape(-1, BAND).all(axis=1).any() and same.sum() >= LINKED * SKETCH_NUMBERS:
            old, new = sorted((found[one], found[other]), reverse=True)
            found = {id: new if name == old else name for id, name in found.items()}
    return found


def fates(result: Merged, at_once: int) -> dict[int, tuple[str, str]]:
    """The cluster and the split of each row that is kept, by its number."""
    return {
        (place >> 32) * at_once + (place & 0xFFFFFFFF): (hex_of(high, low), SPLITS[split])
        for number in range(len(result.groups))
        for place, high, low, split in result.fates.read(number).tolist()
    }


@pytest.mark.parametrize("scale", [1.0, 3e-4])
def test_every_row_has_the_cluster_of_brute_force(scale: float, tmp_path: Path) -> None:
    keys = keys_of(sketches(7, 280))
    wanted = clusters_by_brute_force(keys)
    assert len(set(wanted.values())) < len(wanted)
    first: dict[tuple[str, Device], int] = {}
    for number, key in enumerate(keys):
        first.setdefault((key.id, key.device), number)
    result = merged(keys, tmp_path, at_once=17, scale=scale)
    assert (len(result.groups) == 1) == (scale == 1.0)
    assert fates(result, 17) == {number: (wanted[id], split_of(wanted[id])) for (id, _), number in first.items()}
    assert result.kernels == len(wanted)
    assert result.clusters == len(set(wanted.values()))
    assert result.duplicates == len(keys) - len(first)
    assert sum(rows.total() for rows in result.rows.values()) == len(first) == result.kept.sum()


def test_a_chain_through_all_partitions_is_one_cluster(tmp_path: Path) -> None:
    draw = random.Random(3)
    chain = [[draw.getrandbits(32) for _ in range(SKETCH_NUMBERS)]]
    for _ in range(300):
        following = list(chain[-1])
        for at in draw.sample(range(SKETCH_NUMBERS), 12):
            following[at] = draw.getrandbits(32)
        chain.append(following)
    result = merged(keys_of(chain), tmp_path, at_once=10, scale=2e-4)
    assert (result.kernels, result.clusters) == (301, 1)
    assert {cluster for cluster, _ in fates(result, 10).values()} == {min(map(id_of, range(301)))}


def test_stars_have_the_smallest_node_in_the_middle() -> None:
    edges = np.array([(3, 2), (9, 3), (9, 7), (5, 4)], np.dtype(list(EDGE)))
    grown = shrunk = 1
    for _ in range(10):
        edges, grown = large_star(both_ways(edges))
        edges, shrunk = small_star(edges)
    assert (grown, shrunk) == (0, 0)
    assert edges.tolist() == [(3, 2), (5, 4), (7, 2), (9, 2)]
