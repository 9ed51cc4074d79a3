"""How long kernels run on the CPU and on a CUDA device, by the number of threads.

    python tests/gpu/timing.py
    python tests/gpu/timing.py --sizes 1000,1000000 --repeat 20

prints one row for each kernel and size: the median time of a launch in milliseconds, without what it takes to
build the kernel and to move the arrays, and how many times as fast the device is.  Without a device the CPU's
column stands alone.
"""

# A kernel is not the Python that it looks like.
# pyright: reportOperatorIssue=false, reportInvalidTypeForm=false, reportIndexIssue=false

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import click
import numpy as np
import warp as wp

# From what a launch costs whatever it does to what no longer fits into any cache.
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


@wp.kernel
def arithmetic(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = a[i] * 2.0 + 1.0


@wp.kernel
def mathematics(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    x = a[i]
    out[i] = wp.sin(x) * wp.exp(-x) + wp.sqrt(x)


@wp.kernel
def loop(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    x = a[i]
    for k in range(i % 64):
        x = x * 0.5 + float(k)
    out[i] = x


@wp.kernel
def atomic(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    wp.atomic_add(out, i % 16, a[i])


KERNELS: tuple[Any, ...] = (arithmetic, mathematics, loop, atomic)


def milliseconds(kernel: Any, size: int, device: str, repeat: int, *, adjoint: bool) -> float:
    """The median time of one launch, after one that is not counted: it loads the module."""
    numbers = np.linspace(0.0, 1.0, size, dtype=np.float32)
    arrays = [wp.array(numbers, dtype=float, device=device) for _ in range(2)]
    gradients = [wp.zeros_like(array) for array in arrays]

    def launch() -> None:
        more: dict[str, Any] = {"adjoint": True, "adj_inputs": gradients} if adjoint else {}
        wp.launch(kernel, dim=size, inputs=arrays, device=device, **more)
        wp.synchronize_device(device)

    return _median(launch, repeat)


def _median(action: Callable[[], None], repeat: int) -> float:
    action()
    times: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def table(sizes: Sequence[int], repeat: int) -> list[str]:
    """The lines of the table."""
    device = "cuda:0" if wp.is_cuda_available() else None
    lines = [f"{'kernel':12} {'direction':9} {'threads':>10} {'CPU ms':>10} {'GPU ms':>10} {'CPU/GPU':>8}"]
    for kernel in KERNELS:
        for adjoint in (False, True):
            for size in sizes:
                cpu = milliseconds(kernel, size, "cpu", repeat, adjoint=adjoint)
                gpu = milliseconds(kernel, size, device, repeat, adjoint=adjoint) if device else None
                right = f"{gpu:10.3f} {cpu / gpu:8.1f}" if gpu else f"{'-':>10} {'-':>8}"
                direction = "adjoint" if adjoint else "forward"
                lines.append(f"{kernel.key:12} {direction:9} {size:10} {cpu:10.3f} {right}")
    return lines


@click.command(help=__doc__)
@click.option("--sizes", default=",".join(map(str, SIZES)), show_default=True, help="Numbers of threads.")
@click.option("--repeat", default=10, show_default=True, help="Launches of each, of which the median counts.")
def main(sizes: str, repeat: int) -> None:
    name, quiet = ("log_level", wp.LOG_ERROR) if hasattr(wp.config, "log_level") else ("quiet", True)
    setattr(wp.config, name, quiet)
    wp.init()
    if not wp.is_cuda_available():
        click.echo("no CUDA device that Warp can use on this machine: the CPU alone")
    click.echo("\n".join(table([int(size) for size in sizes.split(",")], repeat)))


if __name__ == "__main__":
    main()
