"""The rebuild oracle: a kernel object has one name, one hash and one code, whatever it was built for before.

The name stands in what was compiled, the hash in the name of the file: where one of them changes, Warp does not
find again what it has built.  What an object that was built before gives is held against one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.chunk import CaseRecord, Chunk
from kernelfuzz.oracles.determinism import Difference
from kernelfuzz.oracles.option_sets import without_unrolling
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import REBUILD
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.rewrites.value_names import VALUES, candidates, named_as_a_value
from kernelfuzz.syntax.render import IMPORT_LINE, render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.histories import Built, Step, built_again

CPU = Step("a build for the CPU", "cpu")
CUDA = Step("a build for CUDA", "cuda")
AHEAD = Step("a build ahead of time", "cuda", ahead=True)
OPTION = Step("a build under another option", "cpu", options=(("max_unroll", 1),))

# What one object goes through.
HISTORY = (CPU, CUDA, AHEAD, OPTION, CPU, CUDA)

BESIDE = "another kernel of its module"


def ask(chunk: Chunk) -> None:
    """Judge some of the sound cases, half of them with a local that has the name of a value of Warp."""
    (some,) = REBUILD.samples
    for record in chunk.sound:
        if chunk.samples(record, some):
            if not without_unrolling(record.case.kernel):
                record.note(REBUILD.skipped("a loop that has to be unrolled"))
                continue
            case = _renamed(record)
            record.note(judge(case.kernel), None if case is record.case else case)


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    return [judge(case.kernel, like.setting.row) for case in cases]


def explain(case: Case, verdict: Verdict) -> Evidence:
    return Evidence(case, message=verdict.reason)


def judge(kernel: Kernel, cause: str = "") -> Verdict:
    """Build a kernel again and again, and compare; of several changes one by ``cause`` comes first."""
    found = changes(kernel)
    if isinstance(found, Failure):
        return REBUILD.skipped(f"not lowered: {found.kind}")
    if not found:
        return REBUILD.passed()
    change = next((each for each in found if each.cause == cause), found[0])
    target = "cpu" if change.device == "cpu" else "ptx"
    return REBUILD.failed(BuildSetting(target, row=change.cause), str(change))


def changes(kernel: Kernel) -> list[Difference] | Failure:
    """What of a kernel depends on what Warp did before; nothing, where all is well."""
    source, name = render(kernel), kernel.name
    new: dict[Step, Built] = {}
    for step in (CPU, CUDA, AHEAD):
        first = built_again(source, name, (step,))
        if isinstance(first, Failure):
            return first
        new[step] = first[0]
    lived = built_again(source, name, HISTORY)
    if isinstance(lived, Failure):
        return lived
    found: list[Difference] = []
    for at, (step, built) in enumerate(zip(HISTORY, lived, strict=True)):
        if at and step in new and (what := _unlike(new[step], built)):
            found.append(Difference(step.device, what, HISTORY[at - 1].name))
    if not kernel.closure:
        beside = built_again(source + _beside(kernel), name, (CPU,))
        if isinstance(beside, Failure):
            return beside
        if what := _unlike(new[CPU], beside[0]):
            found.append(Difference(CPU.device, what, BESIDE))
    return found


def _unlike(new: Built, old: Built) -> str:
    """What is not the same of an object that is new and one that is not; of others, there may be more code."""
    if new.name != old.name:
        return "name"
    if new.hash != old.hash:
        return "hash"
    return "" if new.code <= old.code else "code"


def _beside(kernel: Kernel) -> str:
    """The text of the same kernel by another name, which calls the same functions."""
    other = replace(kernel, name=f"{kernel.name}_beside", functions=(), structs=(), constants=())
    return "\n\n" + render(other).removeprefix(IMPORT_LINE).lstrip("\n")


def _renamed(record: CaseRecord) -> Case:
    """The case itself, or with a kernel one of whose locals has the name of a value."""
    kernel = record.case.kernel
    locals_ = candidates(kernel)
    if not locals_ or record.choices.integer(0, 1) == 0:
        return record.case
    renamed = named_as_a_value(kernel, record.choices.pick(locals_), record.choices.pick(VALUES))
    return replace(record.case, kernel=renamed)
