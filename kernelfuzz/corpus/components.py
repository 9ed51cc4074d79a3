"""The connected components of a graph whose edges no process holds at once.

Large star and small star in turns, until neither changes anything: then every node has one edge, to the smallest node
of its component.  That takes about as many turns as the logarithm of the longest path.

Source: R. Kiveris, S. Lattanzi, V. Mirrokni, V. Rastogi, S. Vassilvitskii, Connected components in MapReduce and
beyond, SoCC 2014, sections 3 and 4.
"""

from __future__ import annotations

import numpy as np

# An edge as seen from the node ``here``.
EDGE = (("here", "<u8"), ("there", "<u8"))


def both_ways(edges: np.ndarray) -> np.ndarray:
    """Each edge as seen from either of its nodes."""
    back = np.empty_like(edges)
    back["here"], back["there"] = edges["there"], edges["here"]
    return np.concatenate([edges, back])


def edges_of(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Edges between nodes, each once."""
    edges = np.empty(len(here), np.dtype(list(EDGE)))
    edges["here"], edges["there"] = here, there
    return _in_order(edges)


def large_star(edges: np.ndarray) -> tuple[np.ndarray, int]:
    """Connect the larger neighbours of each node to the smallest of its neighbours and itself.

    ``edges`` are all those of some nodes, as seen from them.  Gives new edges, from the larger node, and how many of
    them were not there.
    """
    here, there, smallest = _smallest(edges)
    smallest = np.minimum(smallest, here)
    larger = there > here
    return edges_of(there[larger], smallest[larger]), int(np.count_nonzero(smallest[larger] != here[larger]))


def small_star(edges: np.ndarray) -> tuple[np.ndarray, int]:
    """Connect each node and its smaller neighbours to the smallest of these.

    ``edges`` are all those of some nodes to smaller ones.  Gives what ``large_star`` gives.
    """
    here, there, smallest = _smallest(edges)
    others = there != smallest
    # The smallest itself is a neighbour, which stays; of the others, each gets a new edge.
    return edges_of(np.where(others, there, here), smallest), int(np.count_nonzero(others))


def _smallest(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The edges in the order of their nodes, and the smallest neighbour of the node of each."""
    edges = _in_order(edges)
    here, there = edges["here"], edges["there"]
    starts = np.flatnonzero(changes(here))
    # In ascending order, so the first is the smallest.
    return here, there, np.repeat(there[starts], np.diff(np.append(starts, len(here))))


def _in_order(edges: np.ndarray) -> np.ndarray:
    """Edges sorted, each once."""
    edges = edges[np.lexsort((edges["there"], edges["here"]))]
    return edges[changes(edges["here"], edges["there"])]


def changes(*columns: np.ndarray) -> np.ndarray:
    """Where an element of any of the columns is another than the one before it; so is the first."""
    found = np.ones(len(columns[0]), bool)
    found[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return found
