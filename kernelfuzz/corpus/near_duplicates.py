"""Near duplicates: kernels that share most of their canonical text, and the split that they are all in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from zlib import crc32

import numpy as np
from datasketch import MinHash

from kernelfuzz.corpus.row import Split

# Two kernels are near duplicates where their sets of runs of five tokens share this much or more (Jaccard).
THRESHOLD = 0.8
# A sketch estimates that with a deviation of 0.05: this much, three deviations less, lets none slip through.
LINKED = 0.65
# Sketches that are equal in one of 16 bands of 4 numbers are compared: 99.98 of 100 pairs that share 0.8.
# The bands that datasketch chooses for a threshold of 0.8 would find 36 of them.
_BANDS = (16, 4)
_RUN = 5
# Of a sketch.
SKETCH_NUMBERS = 64
_SCHEME = "affine32"

# In 100 clusters, by the hash of the cluster's id; the rest is for training.
_VALIDATION, _TEST = 5, 5


@cache
def _empty() -> MinHash:
    return MinHash(num_perm=SKETCH_NUMBERS, seed=1, hashfunc=int, scheme=_SCHEME)


def sketch(tokens: Sequence[str]) -> bytes:
    """What is kept of a kernel to find others like it: ``SKETCH_NUMBERS`` minima of hashes, 4 bytes each.

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


# ------------------------------------------------------------------------------------- who is near whom

_BAND_BITS = np.uint64(_BANDS[0] - 1)

# A bucket of so many is compared pair by pair, all at once with others; of a larger one, each is compared with those
# that nobody was found near to so far.
_SMALL = 64

# So many sketches are compared at once: 16 MB.
_AT_ONCE = 1 << 16


def band_keys(sketches: np.ndarray) -> np.ndarray:
    """A hash of each band of each sketch, with the number of the band in its last bits.

    ``sketches`` are uint32 of the shape (n, 64), the result uint64 of (n, 16).
    """
    number, width = _BANDS
    bands = sketches.reshape(-1, number, width).astype(np.uint64)
    keys = np.zeros(bands.shape[:2], np.uint64)
    for at in range(width):
        keys = (keys ^ bands[:, :, at]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return (keys & ~_BAND_BITS) | np.arange(number, dtype=np.uint64)


def near_in_bands(keys: np.ndarray, of: np.ndarray, sketches: np.ndarray) -> np.ndarray:
    """Pairs of sketches that share a band and agree in ``LINKED`` of their numbers, or more.

    ``sketches`` has the shape (n, 64); ``keys`` (m) are of ``band_keys``, each that of the sketch number ``of`` (m).
    Not all such pairs: those that are left out connect what others connect.  Gives numbers of sketches, in an array of
    the shape (pairs, 2).
    """
    number, width = _BANDS
    band = (keys & _BAND_BITS).astype(np.int64)
    # Keys are hashes: what shares a band is told by the numbers themselves.
    values = np.ascontiguousarray(sketches.reshape(-1, number, width)[of, band]).view("<u8")
    order = np.lexsort((values[:, 0], values[:, 1], band))
    changes = (np.diff(values[order], axis=0) != 0).any(axis=1) | (np.diff(band[order]) != 0)
    bounds = np.flatnonzero(np.concatenate([[True], changes, [True]])) if len(order) else np.zeros(1, np.int64)
    sizes = np.diff(bounds)
    bucket, small = np.repeat(np.arange(len(sizes)), sizes), np.repeat(sizes <= _SMALL, sizes)
    members = of[order]
    found = [_near_pairs(members[small], bucket[small], sketches)]
    for start, size in zip(bounds[:-1][sizes > _SMALL], sizes[sizes > _SMALL], strict=True):
        some = members[start : start + size]
        found.append(some[_near_in_bucket(sketches[some])])
    return np.concatenate(found)


def _near_pairs(members: np.ndarray, bucket: np.ndarray, sketches: np.ndarray) -> np.ndarray:
    """All pairs of members of one bucket that are near; those of a bucket follow one another."""
    found = [np.empty((0, 2), np.int64)]
    first = np.arange(len(members))
    for step in range(1, _SMALL):
        first = first[first + step < len(members)]
        first = first[bucket[first] == bucket[first + step]]
        pairs = np.stack([members[first], members[first + step]], axis=1)
        for start in range(0, len(pairs), _AT_ONCE):
            some = pairs[start : start + _AT_ONCE]
            found.append(some[_near(sketches[some[:, 0]], sketches[some[:, 1]])])
    return np.concatenate(found)


def _near_in_bucket(sketches: np.ndarray) -> np.ndarray:
    """Pairs that connect all that are near, of one large bucket."""
    found = [np.empty((0, 2), np.int64)]
    waiting: list[int] = []
    left, rest = np.arange(len(sketches)), sketches
    while len(left):
        if not waiting:
            waiting.append(int(left[0]))
            left, rest = left[1:], rest[1:]
        one = waiting.pop()
        near = np.zeros(len(left), bool)
        for start in range(0, len(left), _AT_ONCE):
            near[start : start + _AT_ONCE] = _near(rest[start : start + _AT_ONCE], sketches[one])
        if near.any():
            found.append(np.stack([np.full(near.sum(), one), left[near]], axis=1))
            waiting += left[near].tolist()
            left, rest = left[~near], rest[~near]
    return np.concatenate(found)


def _near(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.count_nonzero(some == others, axis=1) >= LINKED * SKETCH_NUMBERS


def split_of(cluster: str) -> Split:
    """The split of all rows of a cluster: nine tenths of the clusters are for training."""
    share = int.from_bytes(blake2b(cluster.encode(), digest_size=8).digest(), "big") % 100
    if share < _TEST:
        return "test"
    return "validation" if share < _TEST + _VALIDATION else "train"
