"""What a row of a corpus must be: each check makes a part of the row again and compares.

A check is a row of ``CHECKS``.  It yields a sentence for each thing that is wrong, and raises NotPossible
where it cannot be made: a check that was not made never counts as passed.  Nothing of a row is run as
Python but text that ``kernelfuzz.ir`` would have written itself.  The code of a row is built and run by the
last two stages, which take the process along where it crashes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.corpus.description import describe
from kernelfuzz.corpus.execute import tensors, written
from kernelfuzz.corpus.recompute import (
    Malformed,
    NotPossible,
    Subject,
    parsed,
    run_all,
    warp_version,
)
from kernelfuzz.corpus.row import IR_TYPES, LICENSE, OLD_KEYS, Row, Tensor
from kernelfuzz.devices import BuildTarget
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.walk import count_nodes, nesting, num_lines
from kernelfuzz.oracles import value
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.strategies.launch_inputs import draw_grid, draw_launch, is_tiled
from kernelfuzz.syntax.parse import ParseError
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, build, compat
from kernelfuzz.typecheck.verify import VerifyError, verify

T = TypeVar("T")

# In the order in which they are made: what a row says, what the compilers make of it, what that computes.
Stage: TypeAlias = Literal["row", "build", "run"]
STAGES: tuple[Stage, ...] = ("row", "build", "run")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check came to: passed where there are neither problems nor a reason why it was not possible."""

    problems: tuple[str, ...] = ()
    not_possible: str = ""


@dataclass(frozen=True, slots=True)
class Check(Generic[T]):
    """A row of a table: what the function proves where it yields no problem, and when it is called."""

    name: str
    proves: str
    function: T
    stage: Stage = "row"


# ----------------------------------------------------------------------------------------- the source


def _source(subject: Subject) -> Iterator[str]:
    source = subject.row.python_source
    try:
        kernel = parsed(source)
        verify(kernel)
    except (ParseError, VerifyError) as error:
        yield f"python_source is no kernel that kernelfuzz can read: {error}"
    else:
        if render(kernel) != source:
            yield f"python_source is not as kernelfuzz writes it: {_difference(source, render(kernel))}"


def _id(subject: Subject) -> Iterator[str]:
    wanted = fingerprint(subject.kernel)
    if subject.row.id != wanted:
        yield f"the fingerprint of python_source is {wanted}"


_FACTS: dict[str, Callable[[Kernel], Any]] = {
    "features": lambda kernel: tuple(sorted(features(kernel))),
    "description": describe,
    "metadata.num_params": lambda kernel: len(kernel.params),
    "metadata.num_lines": num_lines,
    "metadata.nesting": nesting,
    "metadata.num_nodes": count_nodes,
}


def _facts(subject: Subject) -> Iterator[str]:
    subject.need_grammar()
    for name, function in _FACTS.items():
        stored, wanted = attrgetter(name)(subject.row), function(subject.kernel)
        if stored != wanted:
            yield f"{name} is not that of python_source: {_difference(stored, wanted)}"


# What a row says of outputs that the reference gives to the bit.
_AGREES = "agrees"


def _agreement(subject: Subject) -> Iterator[str]:
    row, metadata = subject.row, subject.row.metadata
    compiled, ran = row.ptx is not None or row.cubin is not None, row.io is not None
    wanted = {
        "license": LICENSE,
        "ir_type": IR_TYPES[row.device],
        "metadata.ir_type": row.ir_type,
        "metadata.device": row.device,
        "metadata.category": row.category,
        "metadata.has_backward": subject.plan.get("backward", metadata.has_backward),
        "verified.lowered": True,
        "verified.built_cuda": True if compiled else row.verified.built_cuda,
        "verified.ran": ran or None,
        "verified.matched": (row.io is not None and row.io.reference == _AGREES) or None,
    }
    for name, right in wanted.items():
        stored = attrgetter(name)(row)
        if stored != right:
            yield f"{name} must be {right!r} and is {stored!r}"
    for name in ("ptx", "cubin"):
        asked = subject.plan.get(name, getattr(row, name) is not None) and row.device == "cuda"
        if asked != (getattr(row, name) is not None):
            yield f"{name} is {'missing' if asked else 'there, and the plan does not ask for it'}"


def _drawn_source(subject: Subject) -> Iterator[str]:
    kernel, category = subject.drawn_again
    source = render(kernel)
    if subject.row.metadata.seed != subject.plan["seed"]:
        yield f"metadata.seed is {subject.row.metadata.seed}, and the plan's is {subject.plan['seed']}"
    elif source != subject.row.python_source:
        yield f"the plan draws another source: {_difference(subject.row.python_source, source)}"
    elif category not in (None, subject.row.category):
        yield f"the plan draws it as {category}, and the row says {subject.row.category}"


# ------------------------------------------------------------------------------------------ the launch


def _launch(subject: Subject) -> Iterator[str]:
    stored = subject.row.launch
    if stored.seed is None:
        raise NotPossible("the launch was not drawn")
    subject.need_grammar()
    dim = draw_grid(SeededChoices(GRAMMAR_VERSION, stored.seed), subject.kernel)
    for name, wanted in {
        "seed": f"launch {subject.row.id}",
        "dim": dim,
        "tiled": is_tiled(subject.kernel),
    }.items():
        if getattr(stored, name) != wanted:
            yield f"launch.{name} must be {wanted!r} and is {getattr(stored, name)!r}"


def _inputs(subject: Subject) -> Iterator[str]:
    run, seed = subject.stored_run, subject.row.launch.seed
    # The values keep a contract that is no part of the source.
    kernel, _ = subject.drawn_again
    if seed is None:
        raise NotPossible("the launch was not drawn")
    wanted = tensors(draw_launch(SeededChoices(GRAMMAR_VERSION, seed), kernel).inputs)
    if problem := _other_values(run.inputs, wanted):
        yield f"io.inputs: {problem}"


def _reference(subject: Subject) -> Iterator[str]:
    run = subject.stored_run
    if run.reference != _AGREES or run.tolerance_ulp:
        raise NotPossible("the reference does not give the outputs to the bit")
    if list(_launch(subject)):
        # It may be of any size.
        raise NotPossible("the launch is not the one that is drawn")
    (wanted,) = value.expected([subject.case])
    if isinstance(wanted, Undefined):
        yield f"the reference has no answer: {wanted}"
    elif problem := _other_values(run.outputs, written(subject.kernel, wanted)):
        yield f"io.outputs: {problem}"


# -------------------------------------------------------------------------------------------- the code

_LITERAL = re.compile(r"""'(?:[^'\\\n]|\\.)+'|"(?:[^"\\\n]|\\.)*\"""")
_COMMENT = re.compile(r"//|/\*")
# NVRTC has a number of the same length for what is local to a file.
_HASHED_NAME = re.compile(r"\w+(?<!_INTERNAL)_[0-9a-f]{8}(?![0-9A-Za-z])")
# An absolute path of two parts or more, one below somebody's home, one with a drive.
_PATH = re.compile(r"(?<![\w./<>])(?:~?/[A-Za-z_.][\w.+-]*/[\w.+-]+|[A-Za-z]:\\\w)[\w./\\+-]*")

# A shorter line of Python, such as ``return``, may be C++ as well.
_TELLING = 12


def _texts(row: Row) -> dict[str, str]:
    """Every generated text of a row."""
    texts: dict[str, Any] = {name: getattr(row, name) for name in _GENERATED}
    for name in ("ir_functions", "ir_structs"):
        texts |= {f"{name}[{at}]": text for at, text in enumerate(getattr(row, name))}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


_GENERATED = ("ir_forward", "ir_backward", "generated_code", *OLD_KEYS)


def _comments(subject: Subject) -> Iterator[str]:
    for name, text in _texts(subject.row).items():
        bare = _LITERAL.sub('""', text)
        if found := _COMMENT.search(bare):
            yield f"{name} has a comment: {_clipped(bare[found.start() :].partition(chr(10))[0])}"


def _quotes(subject: Subject) -> Iterator[str]:
    lines = {line.strip() for line in subject.row.python_source.splitlines()}
    telling = [line for line in sorted(lines) if len(line) >= _TELLING]
    for name, text in _texts(subject.row).items():
        if quoted := next((line for line in telling if line in text), None):
            yield f"{name} quotes the Python source: {_clipped(quoted)}"


def _paths(subject: Subject) -> Iterator[str]:
    row = subject.row
    others = {"python_source": row.python_source, "description": row.description, "ptx": row.ptx or ""}
    for name, text in {**others, **_texts(row)}.items():
        if found := _PATH.search(text):
            yield f"{name} has a path of a machine: {_clipped(found[0])}"


def _names(subject: Subject) -> Iterator[str]:
    if subject.plan.get("warp-symbols", False):
        raise NotPossible("the plan leaves Warp's hashes in the names")
    row = subject.row
    others = {"metadata.mangled_name": row.metadata.mangled_name, "ptx": row.ptx or ""}
    for name, text in {**others, **_texts(row)}.items():
        if found := _HASHED_NAME.search(text):
            yield f"{name} has one of Warp's hashes: {_clipped(found[0])}"


def _arg_types(subject: Subject) -> Iterator[str]:
    if isinstance(subject.lowering, Failure):
        raise NotPossible("Warp does not take the source")
    (code,) = subject.lowering.kernels
    stored = tuple((each.name, each.type) for each in subject.row.arg_types)
    if stored != code.arg_types:
        yield f"arg_types must be {code.arg_types!r} and is {stored!r}"


def _code(subject: Subject) -> Iterator[str]:
    if isinstance(subject.lowering, Failure):
        yield f"Warp does not take python_source: {subject.lowering}"
    for name, (stored, wanted) in subject.other_code.items():
        yield f"{name} is not what Warp generates: {_difference(stored, wanted)}"


# ---------------------------------------------------------------------------------- building and running


def _built(subject: Subject, target: BuildTarget) -> bytes | Failure:
    # What the optimizer does is not in question; for PTX it is, as that is compared.
    quick = target == "cpu" and compat.has_option("optimization_level")
    options = {"optimization_level": 0} if quick else {}
    artifact = build(subject.module, target, options=options)
    if not isinstance(artifact, Failure):
        return artifact.data
    if artifact.kind == "unsupported":
        raise NotPossible(artifact.message)
    return artifact


def _builds(subject: Subject) -> Iterator[str]:
    target: BuildTarget = "cpu" if subject.row.device == "cpu" else "ptx"
    built = _built(subject, target)
    if isinstance(built, Failure):
        yield f"the code does not build: {_clipped(built.message)}"
        return
    stored = {"ptx": subject.row.ptx, "cubin": subject.row.cubin}
    if stored["ptx"] is not None and target == "ptx" and stored["ptx"] != built.decode():
        yield f"ptx is not what NVRTC makes of the code: {_difference(stored['ptx'], built.decode())}"
    if stored["cubin"] is not None and _built(subject, "cubin") != _binary(stored["cubin"]):
        yield "cubin is not what NVRTC makes of the code"


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _runs(subject: Subject) -> Iterator[str]:
    subject.require_case()
    outputs = subject.launched
    if isinstance(outputs, str):
        yield outputs
    elif problem := _other_values(subject.stored_run.outputs, outputs):
        yield f"io.outputs: {problem}"


# ------------------------------------------------------------------------------------------- the table

CHECKS: tuple[Check[Callable[[Subject], Iterator[str]]], ...] = (
    Check("source", "python_source reads as a kernel, and kernelfuzz writes it so", _source),
    Check("id", "id is the fingerprint of python_source", _id),
    Check("facts", "features, numbers and the description are those of python_source", _facts),
    Check("agreement", "the parts of a row agree with one another and with the plan", _agreement),
    Check("drawn", "the plan draws this source and category for the row's index", _drawn_source),
    Check("launch", "the grid is the one that is drawn for the kernel", _launch),
    Check("inputs", "the stored inputs are those that are drawn for the kernel", _inputs),
    Check("reference", "the reference interpreter gives the stored outputs for the stored inputs", _reference),
    Check("comments", "there is no comment in the generated code", _comments),
    Check("quotes", "there is no line of python_source in the generated code", _quotes),
    Check("paths", "there is no path of a machine in a text", _paths),
    Check("names", "there are none of Warp's hashes in names, unless asked for", _names),
    Check("arg_types", "arg_types are those that Warp takes", _arg_types),
    Check("code", "Warp generates this code from python_source", _code),
    Check("build", "the code builds; stored PTX and CUBIN are what comes of that", _builds, "build"),
    Check("run", "the code computes the stored outputs from the stored inputs, to the bit", _runs, "run"),
)


def check_rows(rows: Sequence[Row], plan: Mapping[str, Any], stages: Sequence[Stage]) -> list[dict[str, Outcome]]:
    """The outcome of every check of these stages, by its name, for each row.  Raises UnsupportedWarp."""
    warp_version()
    subjects = [Subject(row, plan) for row in rows]
    if "run" in stages:
        run_all(subjects)
    return [{check.name: _outcome(check, subject) for check in CHECKS if check.stage in stages} for subject in subjects]


def _outcome(check: Check[Callable[[Subject], Iterator[str]]], subject: Subject) -> Outcome:
    try:
        return Outcome(problems=tuple(check.function(subject)))
    except NotPossible as reason:
        return Outcome(not_possible=str(reason))
    except Malformed as error:
        return Outcome(problems=(str(error),))
    except compat.UnsupportedWarp:
        raise
    except Exception as error:
        # What no row of ours makes happen; the row that does is to be named, and the others looked at.
        return Outcome(problems=(f"checking it failed with {type(error).__name__}: {error}",))


# ------------------------------------------------------------------------------------------- sentences


def _other_values(stored: Sequence[Tensor], wanted: Sequence[Tensor]) -> str:
    """Where two sets of tensors differ first, in words; empty where they do not."""
    names = [each.name for each in stored], [each.name for each in wanted]
    if names[0] != names[1]:
        return f"there must be {', '.join(names[1]) or 'none'}, and there is {', '.join(names[0]) or 'none'}"
    for mine, other in zip(stored, wanted, strict=True):
        if (mine.dtype, mine.shape, len(mine.values)) != (other.dtype, other.shape, len(other.values)):
            return f"{mine.name} must be {other.dtype}{list(other.shape)}, and is {mine.dtype}{list(mine.shape)}"
        for at, (one, two) in enumerate(zip(mine.values, other.values, strict=True)):
            if one != two:
                return f"value {at} of {mine.name} must be {two} and is {one}"
    return ""


def _difference(stored: Any, wanted: Any) -> str:
    """Where two texts differ first; other things are shown whole."""
    if not (isinstance(stored, str) and isinstance(wanted, str)):
        return f"it must be {_clipped(repr(wanted))} and is {_clipped(repr(stored))}"
    mine, other = [*stored.splitlines(), ""], [*wanted.splitlines(), ""]
    # Texts that differ in their last line end only have the same lines.
    at = min(_same_length(mine, other), len(mine) - 1, len(other) - 1)
    start = max(0, _same_length(mine[at], other[at]) - _BEFORE)
    texts = [_clipped(("..." if start else "") + line[start:]) for line in (other[at], mine[at])]
    return f"line {at + 1} must be {texts[0]!r} and is {texts[1]!r}"


# How much is shown of a line before the difference.
_BEFORE = 30


def _same_length(one: Sequence[str], two: Sequence[str]) -> int:
    """How far two texts, or their lines, are the same."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(two)))


def _clipped(text: str, most: int = 100) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
