"""Near duplicates: kernels that share most of their canonical text, and the split that they are all in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any
from zlib import crc32

import numpy as np
from datasketch import MinHash, MinHashLSH

from kernelfuzz.corpus.row import Split

# Two kernels are near duplicates where their sets of runs of five tokens share this much or more (Jaccard).
THRESHOLD = 0.8
# A sketch estimates that with a deviation of 0.05: this much, three deviations less, lets none slip through.
LINKED = 0.65
# Sketches that are equal in one of 16 bands of 4 numbers are compared: 99.98 of 100 pairs that share 0.8.
# The bands that datasketch chooses for a threshold of 0.8 would find 36 of them.
_BANDS = (16, 4)
_RUN = 5
_PERMUTATIONS = 64
_SCHEME = "affine32"

# In 100 clusters, by the hash of the cluster's id; the rest is for training.
_VALIDATION, _TEST = 5, 5


@cache
def _empty() -> MinHash:
    return MinHash(num_perm=_PERMUTATIONS, seed=1, hashfunc=int, scheme=_SCHEME)


def sketch(tokens: Sequence[str]) -> bytes:
    """What is kept of a kernel to find others like it: 64 minima of hashes, 4 bytes each.

    The runs are hashed here, all at once: datasketch would ask for one after the other.
    """
    hashes = np.fromiter((crc32(token.encode()) for token in tokens), np.uint64, len(tokens))
    runs = np.zeros(max(1, len(hashes) - _RUN + 1), np.uint64)
    for offset in range(min(_RUN, len(hashes))):
        # Wraps around, as a hash may.
        runs = runs * np.uint64(0x9E3779B97F4A7C15) + hashes[offset : offset + len(runs)]
    found = _empty().copy()
    found.update_batch(runs >> np.uint64(32))
    return found.hashvalues.astype("<u4").tobytes()


def clusters(kernels: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """The cluster of each kernel, from its id and its sketch: the smallest id of all that are linked to it.

    Independent of the order of the kernels.
    """
    index = MinHashLSH(num_perm=_PERMUTATIONS, params=_BANDS)
    sketches: dict[str, MinHash] = {}
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for name, text in kernels:
        values: Any = np.frombuffer(text, "<u4")
        mine = MinHash(hashvalues=values, permutations=_empty().permutations, scheme=_SCHEME)
        parent[name] = name
        for other in map(str, index.query(mine)):
            if mine.jaccard(sketches[other]) >= LINKED:
                one, two = sorted((root(name), root(other)))
                parent[two] = one
        index.insert(name, mine)
        sketches[name] = mine
    return {name: root(name) for name in parent}


def split_of(cluster: str) -> Split:
    """The split of all rows of a cluster: nine tenths of the clusters are for training."""
    share = int.from_bytes(blake2b(cluster.encode(), digest_size=8).digest(), "big") % 100
    if share < _TEST:
        return "test"
    return "validation" if share < _TEST + _VALIDATION else "train"
