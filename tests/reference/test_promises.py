"""Builtins keep what Warp's documentation promises of them, at special inputs and for every type; known bugs apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Launch
from kernelfuzz.oracles.batch import batch_source
from kernelfuzz.oracles.kept_promises import call_kernel
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.promised_calls import broken, known, parts_of
from kernelfuzz.reference.promises import PROMISES
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded
from kernelfuzz.typecheck.builtins import BUILTINS, Signature, instances, is_newer
from kernelfuzz.typecheck.domains import interval

RANDOM = 60
Numbers = np.ndarray[Any, Any]


def signs(size: int) -> Iterator[Numbers]:
    yield from (np.array(each, float) for each in itertools.product((1, -1), repeat=size))


def rotation(random: np.random.Generator, size: int) -> Numbers:
    """An orthogonal matrix with determinant 1."""
    q, _ = np.linalg.qr(random.normal(size=(size, size)))
    q[:, 0] *= np.linalg.det(q)
    return q


def squares(random: np.random.Generator, size: int) -> Iterator[Numbers]:
    """Matrices at which decompositions have to take care."""
    one = np.eye(size)
    yield np.zeros((size, size))
    yield np.ones((size, size))
    for order in itertools.permutations(range(size)):  # rotations and reflections by right angles
        yield from (one[list(order)] * each for each in signs(size))
    for entries in itertools.product((0, 1, 2, -3), repeat=size):  # equal singular values, and zeros
        yield np.diag(entries)
    for each in range(20):
        u, v = rotation(random, size), rotation(random, size)
        yield u  # a rotation
        yield -2 * u
        yield u @ np.diag([1.0] * (size - 1) + [-1.0])  # a reflection
        yield u @ np.diag([1.0] * (size - 1) + [2.0]) @ v  # equal singular values
        yield u @ np.diag(1 + 1e-4 * np.arange(size)) @ v
        yield np.outer(u[0], v[0])  # of rank one
        yield np.outer(np.round(3 * u[0]), np.round(3 * v[0]))
        yield u @ np.diag([1.0, *[0.5] * (size - 2), 0.0]) @ v  # singular
        yield u @ np.diag(np.arange(size) - 1.0) @ u.T  # symmetric
        yield np.triu(random.normal(size=(size, size)))
        yield random.normal(size=(size, size))
        yield random.integers(-3, 4, (size, size)).astype(float)
        yield np.full((size, size), each + 1.0) + np.diag([1.0] + [0.0] * (size - 1)) / 1024  # columns alike


def quaternions(random: np.random.Generator) -> Iterator[Numbers]:
    """Unit quaternions: none, half and full turns, and any."""
    for axis in (*np.eye(4), *itertools.product((1, -1), (0, 1), (0, -1), (0, 1))):
        yield np.array(axis) / np.linalg.norm(axis)
        yield -np.array(axis) / np.linalg.norm(axis)
    for angle in (1e-8, 1e-4, 0.1, np.pi - 1e-4, np.pi, np.pi + 1e-4, 2 * np.pi - 1e-8):
        axis = random.normal(size=3)
        yield np.array([*(np.sin(angle / 2) * axis / np.linalg.norm(axis)), np.cos(angle / 2)])
    for _ in range(RANDOM):
        q = random.normal(size=4)
        yield q / np.linalg.norm(q)


def affine(random: np.random.Generator, scaled: bool) -> Iterator[Numbers]:
    """Matrices of rotations, with scales or without, and a translation."""
    turns = [np.diag(each) for each in signs(3) if np.prod(each) > 0]
    turns += [np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], *(rotation(random, 3) for _ in range(RANDOM))]
    for turn in turns:
        m = np.eye(4)
        m[:3, :3] = turn * (random.choice([0.5, 1, 2], 3) if scaled else 1)
        m[:3, 3] = random.integers(-3, 4, 3)
        yield m


def scalars(signature: Signature, at: int, random: np.random.Generator) -> list[float]:
    scalar = component_type(signature.params[at])
    low, high = interval(signature.domains[at], scalar)
    if not scalar.is_float:
        least, most = scalar.limits
        low, high = max(least, -50 if low is None else int(low)), min(most, 2**31 if high is None else int(high))
        return [low, high, *random.integers(low, high, RANDOM, endpoint=True).tolist()]
    low, high = -4 if low is None else max(low, -8), 4 if high is None else min(high, 8)
    return [low, high, *(each for each in (0, 0.5, 1) if low <= each <= high), *random.uniform(low, high, RANDOM)]


def given(signature: Signature, at: int, random: np.random.Generator) -> list[Any]:
    """Special values of one argument, in an order of their own."""
    match signature.params[at]:
        case t.Quaternion():
            found: list[Any] = list(quaternions(random))
        case t.Matrix(rows=4) if signature.name != "inverse":
            found = list(affine(random, signature.name == "transform_decompose"))
            if signature.name == "transform_decompose":
                # Scales that are negative, or zero.
                found += [
                    m @ np.diag([*sign, 1]) for m in found[:12] for sign in itertools.product((-1, 0, 1), repeat=3)
                ]
        case t.Matrix(rows=3) if signature.name == "quat_from_matrix":
            found = [each[:3, :3] for each in affine(random, False)]
        case t.Matrix(rows=size):
            found = list(squares(random, size))
        case t.Vector(length=size) if signature.name in ("quat_from_axis_angle", "quat_twist"):
            found = [
                v / np.linalg.norm(v) for v in (*np.eye(size), *-np.eye(size), *random.normal(size=(RANDOM, size)))
            ]
        case t.Vector(length=size):
            whole = random.integers(-3, 4, (RANDOM, size))
            found = [*np.eye(size), np.zeros(size), *np.abs(whole), *whole, *random.uniform(-4, 4, (RANDOM, size))]
        case _ if signature.domains[at] == "axis":
            return axes(at - signature.domains.index("axis"))
        case _:
            found = scalars(signature, at, random)
    return [found[each] for each in random.permutation(len(found))] if at else found


def axes(place: int) -> list[Any]:
    """The axes at one place of every sequence of three, in the order that they have for each place."""
    every = [each for each in itertools.product(range(3), repeat=3) if each[0] != each[1] != each[2]]
    return [each[place] for each in every]


def promised() -> list[Signature]:
    """Every signature of a builtin with a promise that this Warp has."""
    rows = [row for row in BUILTINS if row.name in PROMISES and not is_newer(row.since)]
    return [each for row in rows for each in instances(row)]


def breaches(signatures: list[Signature]) -> Iterator[tuple[Signature, str, str | None]]:
    """Each call that breaks a promise: what does not hold, and the known bug that it meets."""
    random = np.random.default_rng(7)
    kernels = [call_kernel(signature) for signature in signatures]
    source, names = batch_source(kernels)
    with loaded(source, "cpu", options=dict(JUDGED)) as program:
        assert isinstance(program, Program), program
        for signature, kernel, name in zip(signatures, kernels, names, strict=True):
            columns = [given(signature, at, random) for at in range(len(signature.params))]
            count = max(map(len, columns))
            inputs = {
                param.name: np.array([column[at % len(column)] for at in range(count)]).astype(
                    component_type(type_).name
                )
                for param, column, type_ in zip(kernel.params, columns, signature.params, strict=False)
            }
            for param, type_ in zip(kernel.params[len(columns) :], parts_of(signature), strict=True):
                sizes = () if isinstance(type_, t.Scalar) else t.shape(type_)  # pyright: ignore[reportArgumentType]
                inputs[param.name] = np.zeros((count, *sizes), component_type(type_).name)
            after = {**inputs, **program.run(name, Launch((count,), inputs))}
            for at in range(count):
                arguments = [inputs[param.name][at] for param in kernel.params[: len(columns)]]
                results = [after[param.name][at] for param in kernel.params[len(columns) :]]
                if (text := broken(signature, arguments, results)) is not None:
                    yield signature, f"{text} with {arguments}: {results}", known(signature, arguments, results)


@pytest.mark.parametrize("builtin", sorted(PROMISES))
def test_promises_are_kept_but_for_known_bugs(builtin: str) -> None:
    signatures = [each for each in promised() if each.name == builtin]
    found = list(breaches(signatures))
    assert not [(str(signature.params), text) for signature, text, bug in found if bug is None]
    assert {bug for _, _, bug in found} <= set(PROMISES[builtin].broken)
