"""Launch seeded kernels on the CPU through Warp itself, watched for whatever must not happen.

    python tests/strategies/launch_on_cpu.py --seed 0 --start 0 --count 150

The kernels are built in debug mode, where an index out of range stops the process, and with traps where C++
leaves an operation undefined: signed overflow, division by zero, a shift or a conversion of a float out of
range.  Before each launch a line ``start INDEX`` is printed and after it ``done INDEX`` and a digest of all
outputs: what is missing at the end tells which kernel it was that stopped the process.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping

from kernelfuzz.ir.launch import Input
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.compat import has_option
from kernelfuzz.toolchain.programs import loaded

CHECKS = "signed-integer-overflow,integer-divide-by-zero,shift-base,shift-exponent,float-cast-overflow"
FLAGS = f"-fsanitize={CHECKS} -fsanitize-trap={CHECKS}"


# What a build like this one needs; older releases have no flags to set, and no traps then.
OPTIONS = {"mode": "debug", "cpu_compiler_flags": FLAGS}


def digest(outputs: Mapping[str, Input]) -> str:
    """The digest of every array, in the order of the parameters."""
    hash_ = hashlib.blake2b(digest_size=8)

    def add(value: Input) -> None:
        if value is None:
            hash_.update(b"None")
        elif isinstance(value, Mapping):
            for field in value.values():
                add(field)
        else:
            hash_.update(value.tobytes())

    add(dict(outputs))
    return hash_.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("seed", "start", "count"):
        parser.add_argument(f"--{option}", type=int, required=True)
    parser.add_argument("--size", default="medium", help="as for kernels()")
    parser.add_argument("--profile", default="default", help="as for kernels()")
    asked = parser.parse_args()
    options = {name: value for name, value in OPTIONS.items() if has_option(name)}
    for index in range(asked.start, asked.start + asked.count):
        kernel = generate(seed=asked.seed, index=index, size=asked.size, profile=asked.profile)
        launch = draw_launch(SeededChoices("launch", asked.seed, index), kernel)
        print("start", index, flush=True)
        with loaded(render(kernel), "cpu", options=options) as program:
            if isinstance(program, Failure):
                raise RuntimeError(f"kernel {index}: {program}")
            first, second = (digest(program.run(kernel.name, launch)) for _ in range(2))
        print("done", index, first if first == second else f"{first} then {second}", flush=True)


if __name__ == "__main__":
    main()
