"""A kernel in plain English, made from its AST: for whoever reads the description instead of the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from kernelfuzz.corpus.words import ATOMIC_VERBS, BUILTIN_WORDS, NUMBERS, OPERATOR_WORDS
from kernelfuzz.ir.effects import root_name, written_arrays
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import (
    Assign,
    AugAssign,
    Binary,
    Break,
    Call,
    CallFunction,
    Continue,
    For,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Return,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.types import (
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.ir.walk import nesting, walk

# The longest lists: what is computed, and what is read.
_COMPUTED = 8
_READ = 6

_GRID = {1: "thread {} of a one-dimensional grid"} | {
    ndim: f"point ({{}}) of a {NUMBERS[ndim]}-dimensional grid" for ndim in (2, 3, 4)
}


def describe(kernel: Kernel) -> str:
    """One to six sentences in one line: the grid, what is read, computed and stored, and the control flow."""
    own = list(walk(*kernel.body))
    nodes = own + [node for function in kernel.functions for node in walk(*function.body)]
    sentences = [
        _access(kernel, own),
        _computed(nodes),
        _loops(nodes),
        _branches(nodes, own, nesting(kernel)),
        _atomics(nodes),
        _functions(kernel, nodes),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


# ------------------------------------------------------------------------------------- what is accessed


def _access(kernel: Kernel, own: Sequence[Node]) -> str:
    """The grid, the parameters that are read and the arrays that are written."""
    written = written_arrays(kernel)
    places = {id(node.target.value) for node in own if _is_store(node)}
    # An array that is only stored into is no input.
    read = {node.id for node in own if isinstance(node, Name) and id(node) not in places}
    inputs = [
        f"{param.name} ({_type_words(param.type)})"
        for param in kernel.params
        if param.name in read and param.name not in written
    ]
    outputs = [
        f"{param.name} ({_type_words(param.type)})" for param in kernel.params if param.name in written
    ]
    done = [f"reads {_several(inputs, _READ)}"] if inputs else []
    done += [f"writes {_joined(outputs)}"] if outputs else ["writes nothing"]
    return f"For each {_grid(kernel)}, the kernel {' and '.join(done)}."


def _is_store(node: Node) -> bool:
    return isinstance(node, (Assign, AugAssign)) and isinstance(node.target, Index)


def _grid(kernel: Kernel) -> str:
    for statement in kernel.body:
        match statement:
            case Unpack(names=names, values=(Call(name="tid"),)):
                return _GRID[len(names)].format(", ".join(names))
            case Assign(target=Name(id=name), value=Call(name="tid")):
                return _GRID[1].format(name)
            case _:
                continue
    return "thread"


@lru_cache(maxsize=512)
def _type_words(type_: Type) -> str:
    match type_:
        case Scalar():
            return type_.name
        case Vector(length=length):
            return f"vector of {length} {type_.dtype.name}"
        case Matrix(rows=rows, columns=columns):
            return f"{rows}x{columns} matrix of {type_.dtype.name}"
        case Quaternion():
            return f"quaternion of {type_.dtype.name}"
        case Transform():
            return f"transformation of {type_.dtype.name}"
        case Struct():
            return f"struct of {_joined([name for name, _ in type_.fields])}"
        case Array(ndim=1):
            return f"array of {_type_words(type_.dtype)}"
        case Array(ndim=ndim):
            return f"{NUMBERS[ndim]}-dimensional array of {_type_words(type_.dtype)}"
        case Tile():
            return f"tile of {type_.dtype.name}"
        case Tuple():
            return "tuple"
        case _:
            return assert_never(type_)


# -------------------------------------------------------------------------------------- what is computed


def _computed(nodes: Iterable[Node]) -> str:
    """What is computed, most frequent first."""
    found: Counter[str] = Counter()
    for node in nodes:
        match node:
            case Call(name=name) if BUILTIN_WORDS.get(name) and name not in ATOMIC_VERBS:
                found[BUILTIN_WORDS[name]] += 1
            case Call(name=name) if name.startswith("tile_"):
                found[f"operations on tiles ({name})"] += 1
            case Binary(op=op) | AugAssign(op=op):
                found[OPERATOR_WORDS[op.removesuffix("=")]] += 1
            case Unary(op="-"):
                found["negations"] += 1
            case Unary(op="~"):
                found["inverted bits"] += 1
            case _:
                continue
    words = [word for word, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
    return f"It computes {_several(words, _COMPUTED)}." if words else ""


# ----------------------------------------------------------------------------------------- control flow


def _loops(nodes: Sequence[Node]) -> str:
    """The loops, alike ones together."""
    kinds = Counter(_loop_words(node) for node in nodes if isinstance(node, (For, While)))
    if not kinds:
        return ""
    return f"It has {_joined([_counted(count, words) for words, count in kinds.items()])}."


def _loop_words(loop: For | While) -> tuple[str, str]:
    """One loop, and several of them, after a number."""
    if isinstance(loop, While):
        return "while loop", "while loops"
    bounds = [bound.value for bound in loop.bounds if isinstance(bound, Literal)]
    if len(bounds) < len(loop.bounds):
        return "loop whose bounds are computed", "loops whose bounds are computed"
    turns = len(range(*map(int, bounds)))
    words = f"of {_number(turns)} turn{'s' * (turns != 1)}"
    return f"loop {words}", f"loops {words}"


def _counted(count: int, words: tuple[str, str]) -> str:
    one, several = words
    if count == 1:
        return f"a {one}"
    return f"{_number(count)} {several}"


def _branches(nodes: Sequence[Node], own: Sequence[Node], depth: int) -> str:
    branches = sum(isinstance(node, If) for node in nodes)
    exits = [
        words
        for kind, words in ((Break, "leaves loops early"), (Continue, "skips turns of loops"))
        if any(isinstance(node, kind) for node in nodes)
    ]
    if any(isinstance(node, Return) for node in own):
        exits.append("returns early")
    done = [f"branches in {_number(branches)} place{'s' * (branches > 1)}"] if branches else []
    done += exits
    if not done:
        return ""
    nested = f", nested {_number(depth)} deep" if depth > 1 else ""
    return f"It {_joined(done)}{nested}."


# -------------------------------------------------------------------------------- atomics and functions


def _atomics(nodes: Iterable[Node]) -> str:
    found: dict[str, dict[str, None]] = {}
    for node in nodes:
        if isinstance(node, Call) and node.name in ATOMIC_VERBS:
            found.setdefault(ATOMIC_VERBS[node.name], {})[root_name(node.args[0])] = None
    if not found:
        return ""
    return f"It atomically {_joined([f'{verb} {_joined(list(names))}' for verb, names in found.items()])}."


def _functions(kernel: Kernel, nodes: Iterable[Node]) -> str:
    called = {node.name for node in nodes if isinstance(node, CallFunction)}
    used = [_function(function) for function in kernel.functions if function.name in called]
    return f"It calls {_joined(used)}." if used else ""


def _function(function: Function) -> str:
    if function.returns is None:
        return f"{function.name}, which only stores"
    if isinstance(function.returns, Tuple):
        return f"{function.name}, which returns several values"
    return f"{function.name}, which returns {_type_words(function.returns)}"


# ---------------------------------------------------------------------------------------------- English


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _joined(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    # A comma inside of a part makes the parts hard to tell apart.
    between = "; " if any(", " in word for word in words) else ", "
    last = f"{between.rstrip()} and " if between == "; " else " and "
    return between.join(words[:-1]) + last + words[-1]


def _several(words: Sequence[str], most: int) -> str:
    """The first words, and how many more there are."""
    if len(words) <= most:
        return _joined(words)
    return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
