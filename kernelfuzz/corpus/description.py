"""A kernel in plain English, made from its AST, for readers of the description alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast

from kernelfuzz.analysis.effects import root_name, written_arrays
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.walk import nesting, walk
from kernelfuzz.typecheck import builtins

OPERATOR_WORDS: dict[str, str] = {
    "+": "sums", "-": "differences", "*": "products", "/": "quotients", "//": "floored quotients",
    "%": "remainders", "@": "matrix products", "**": "powers", "&": "bitwise and", "|": "bitwise or",
    "^": "bitwise exclusive or",
    "<<": "left shifts", ">>": "right shifts",
}  # fmt: skip

# Numbers as words; larger ones are written in digits.
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

SCALAR_WORDS: dict[str, str] = {
    "bool": "boolean", "float16": "16-bit float", "float32": "float", "float64": "64-bit float",
    "int8": "8-bit integer", "int16": "16-bit integer", "int32": "integer", "int64": "64-bit integer",
    "uint8": "unsigned 8-bit integer", "uint16": "unsigned 16-bit integer", "uint32": "unsigned integer",
    "uint64": "unsigned 64-bit integer",
}  # fmt: skip

UNARY_WORDS: dict[str, str] = {"-": "negations", "+": "", "~": "inverted bits", "not": "negated conditions"}

TILE_WORDS: dict[str, str] = {
    "tile_load": "tiles loaded from arrays", "tile_zeros": "tiles of zeros", "tile_ones": "tiles of ones",
    "tile_sum": "sums over tiles", "tile_min": "minima over tiles", "tile_max": "maxima over tiles",
    "tile_astype": "converted tiles", "tile_reshape": "reshaped tiles", "tile_transpose": "transposed tiles",
    "tile_broadcast": "broadcast tiles", "tile_extract": "elements of tiles",
    "tile_store": "tiles stored to arrays", "tile": "tiles of the threads' values", "untile": "values of tiles",
    "tile_reduce": "reduced tiles", "tile_map": "tiles computed from tiles", "tile_matmul": "products of tiles",
    "tile_matmul_transpose_update": "products of tiles", "tile_matmul_left_transpose_update": "products of tiles",
    "tile_cholesky": "Cholesky factors", "tile_cholesky_inplace": "Cholesky factors",
    "tile_cholesky_solve": "solved systems", "tile_cholesky_solve_inplace": "solved systems",
    "tile_lower_solve": "solved systems", "tile_lower_solve_inplace": "solved systems",
    "tile_upper_solve": "solved systems", "tile_upper_solve_inplace": "solved systems",
    "tile_diag_add": "sums with a diagonal", "tile_sort": "sorted tiles", "tile_scan_inclusive": "running sums",
    "tile_scan_exclusive": "running sums", "tile_argmin": "places of minima", "tile_argmax": "places of maxima",
    "tile_atomic_add": "tiles added to arrays", "tile_view": "parts of tiles", "tile_assign": "parts of tiles",
}  # fmt: skip

# Expressions by their class, and what is constructed by the class of its type.
NODE_WORDS: dict[str, str] = {
    "Cast": "conversions", "IfExp": "conditional values", "Static": "values known in advance",
    "Vector": "new vectors", "Matrix": "new matrices", "Quaternion": "new quaternions",
    "Transform": "new transformations", "Struct": "new structs",
}  # fmt: skip

# What nearly every kernel computes, and so says least.
COMMON = frozenset(OPERATOR_WORDS.values()) - {"matrix products", "powers"} | {
    "minima", "maxima", "clamped values", "conversions", "absolute values", "negations",
    "conditional values", "new vectors", "new matrices", "selections", "values known in advance",
}  # fmt: skip


# Every node of some blocks by its class, in source order.
_Nodes: TypeAlias = Mapping[type, list[Any]]

# About how many characters a description may have, and what is listed at most until it is as short: the
# parameters that are read, what is computed, the functions; and whether their types are named.
_LENGTH = 600
_DETAILS = (
    *((8, 8, 3, True), (5, 6, 2, True), (3, 4, 0, True)),
    *((8, 8, 2, False), (6, 6, 0, False), (3, 3, 0, False)),
)

_GRID = {1: "thread {} of a one-dimensional grid"} | {
    ndim: f"point ({{}}) of a {NUMBERS[ndim]}-dimensional grid" for ndim in (2, 3, 4)
}


def describe(kernel: n.Kernel, shown: _Nodes | None = None) -> str:
    """One to four sentences in one line: what is read and stored, computed, the control flow, atomics.

    Functions that the kernel calls, itself or through others, count as a part of it.  Long lists are cut, and
    end in how many more there are; every parameter that is written is named.  ``shown`` are all nodes of the
    kernel by their class, where these are there already.
    """
    # Without functions and constants, what is not in the body has nothing that is looked at here.
    body_alone = not kernel.functions and not kernel.constants
    own = shown if shown is not None and body_alone else _by_class(kernel.body)
    functions = _called(kernel, own)
    nodes = _merged([own, *(inside for _, inside in functions)]) if functions else own
    reads, updates, writes = _accesses(kernel, own, functions)
    computed = _computed(nodes)
    rest = " ".join(filter(None, (_control_flow(kernel, own, nodes), _atomics(own, functions))))
    called = [function for function, _ in functions]
    text = ""
    for most_read, most_computed, most_functions, typed in _DETAILS:
        access = _access_sentence(_grid(kernel), reads[:most_read], len(reads), updates, writes, typed)
        made = _computed_sentence(computed, most_computed, called, most_functions)
        text = " ".join(filter(None, (access, made, rest)))
        if len(text) <= _LENGTH:
            break
    return text


def _by_class(block: n.Block) -> _Nodes:
    found: defaultdict[type, list[Any]] = defaultdict(list)
    for node in walk(*block):
        found[node.__class__].append(node)
    return found


def _merged(parts: Iterable[_Nodes]) -> _Nodes:
    found: defaultdict[type, list[Any]] = defaultdict(list)
    for part in parts:
        for kind, nodes in part.items():
            found[kind] += nodes
    return found


def _called(kernel: n.Kernel, own: _Nodes) -> list[tuple[n.Function, _Nodes]]:
    """The functions that run and their nodes, in the order of the source."""
    names = {call.name for call in own.get(n.CallFunction, ())}
    found: list[tuple[n.Function, _Nodes]] = []
    for function in reversed(kernel.functions):  # declared before they are called
        if function.name in names:
            nodes = _by_class(function.body)
            found.append((function, nodes))
            names |= {call.name for call in nodes.get(n.CallFunction, ())}
    return found[::-1]


# ------------------------------------------------------------------------------------- what is accessed


def _accesses(
    kernel: n.Kernel, own: _Nodes, functions: Sequence[tuple[n.Function, _Nodes]]
) -> tuple[list[Any], list[Any], list[Any]]:
    """The parameters that are read only, those that are read and written, and those that are written only."""
    written = written_arrays(kernel)
    reading: dict[str, list[bool]] = {}
    for function, nodes in functions:  # declared before they are called
        names = _read(nodes, reading)
        reading[function.name] = [param.name in names for param in function.params]
    read = _read(own, reading)
    params = kernel.params
    return (
        [param for param in params if param.name in read and param.name not in written],
        [param for param in params if param.name in read and param.name in written],
        [param for param in params if param.name not in read and param.name in written],
    )


def _read(nodes: _Nodes, reading: Mapping[str, Sequence[bool]]) -> set[str]:
    """The names whose value or element is used; ``reading`` says it of functions' parameters."""
    # What names an array and reads no element of it.
    places = [node.target for node in nodes.get(n.Assign, ()) if not isinstance(node.target, n.Name)]
    places += [node.args[0] for node in nodes.get(n.Call, ()) if builtins.verb(node.name) or node.name == "tile_store"]
    places += [node.array for node in nodes.get(n.ArrayShape, ())]
    places += [
        each
        for node in nodes.get(n.CallFunction, ())
        for each, is_read in zip(node.args, reading[node.name], strict=True)
        if isinstance(each.type, t.Array) and not is_read
    ]
    uses = Counter(node.id for node in nodes.get(n.Name, ()))
    uses.subtract(map(root_name, places))
    return {name for name, count in uses.items() if count > 0}


def _access_sentence(
    grid: str, reads: list[Any], count: int, updates: list[Any], writes: list[Any], typed: bool
) -> str:
    groups = _groups(reads, typed)
    if count > len(reads):
        groups.append(f"{_number(count - len(reads))} more")
    done = [f"reads {_joined(groups)}"] if groups else []
    done += [f"updates {_joined(_groups(updates, typed))}"] if updates else []
    done += [f"writes {_joined(_groups(writes, typed))}"] if writes else []
    if not updates and not writes:
        done.append("writes nothing")
    return f"For each {grid}, the kernel {_joined(done, ', ')}."


def _groups(params: Iterable[Any], typed: bool) -> list[str]:
    """The parameters, those of one type together."""
    if not typed:
        return [param.name for param in params]
    groups: dict[t.Type, list[str]] = {}
    for param in params:
        groups.setdefault(param.type, []).append(param.name)
    return [f"{_joined(names)} ({_type_words(type_, len(names) > 1)})" for type_, names in groups.items()]


def _grid(kernel: n.Kernel) -> str:
    for statement in kernel.body:
        match statement:
            case n.Unpack(names=names, values=(n.Call(name="tid"),)):
                return _GRID[len(names)].format(", ".join(names))
            case n.Assign(target=n.Name(id=name), value=n.Call(name="tid")):
                return _GRID[1].format(name)
            case _:
                continue
    return "thread"


@lru_cache(maxsize=1024)
def _type_words(type_: t.Type, several: bool) -> str:
    """``a float``, ``arrays of 3x3 float matrices``."""
    noun = _noun(type_, several)
    if several:
        return noun
    # By its pronunciation: "an unsigned integer", "a uniform", "an 8-bit integer".
    return f"{'an' if noun.startswith(('a', 'e', 'i', 'o', 'un', '8')) else 'a'} {noun}"


def _noun(type_: t.Type, several: bool) -> str:
    s = "s" * several
    match type_:
        case t.Scalar():
            return SCALAR_WORDS[type_.name] + s
        case t.Vector(length=length):
            return f"{_number(length)}-component {SCALAR_WORDS[type_.dtype.name]} vector{s}"
        case t.Matrix(rows=rows, columns=columns):
            return f"{rows}x{columns} {SCALAR_WORDS[type_.dtype.name]} {'matrices' if several else 'matrix'}"
        case t.Quaternion():
            return f"{SCALAR_WORDS[type_.dtype.name]} quaternion{s}"
        case t.Transform():
            return f"{SCALAR_WORDS[type_.dtype.name]} transformation{s}"
        case t.Struct():
            return f"struct{s} of {_joined([name for name, _ in type_.fields]) or 'nothing'}"
        case t.Array(ndim=ndim):
            dimensions = f"{NUMBERS[ndim]}-dimensional " if ndim > 1 else ""
            return f"{dimensions}array{s} of {_noun(type_.dtype, True)}"
        case t.Tile(shape=shape):
            return f"{'x'.join(map(str, shape))} tile{s} of {SCALAR_WORDS[type_.dtype.name]}s"
        case t.Tuple():
            return f"tuple{s}"
        case _:
            return assert_never(type_)


# -------------------------------------------------------------------------------------- what is computed


def _computed(nodes: _Nodes) -> list[str]:
    """What is computed: what says most first, then the most frequent."""
    found: Counter[str] = Counter()
    for node in nodes.get(n.Call, ()):
        if not builtins.verb(node.name):
            found[builtins.word(node.name) or TILE_WORDS.get(node.name, "")] += 1
    for kind in (n.Binary, n.AugAssign):
        for node in nodes.get(kind, ()):
            found[OPERATOR_WORDS[node.op]] += 1
    for node in nodes.get(n.Unary, ()):
        found[UNARY_WORDS[node.op]] += 1
    for kind in (n.Cast, n.IfExp, n.Static):
        if kind in nodes:
            found[NODE_WORDS[kind.__name__]] += len(nodes[kind])
    for node in nodes.get(n.Construct, ()):
        found[NODE_WORDS[node.type.__class__.__name__]] += 1
    found.pop("", None)
    return sorted(found, key=lambda word: (word in COMMON, -found[word], word))


def _computed_sentence(words: Sequence[str], most: int, functions: Sequence[n.Function], detailed: int) -> str:
    done = [f"computes {_several(words, most)}"] if words else []
    if functions:
        done.append(f"calls {_joined([_function(each, len(functions) <= detailed) for each in functions])}")
    return f"It {' and '.join(done)}." if done else ""


def _function(function: n.Function, detailed: bool) -> str:
    if not detailed:
        return function.name
    takes = _joined([_type_words(param.type, False) for param in function.params]) or "nothing"
    match function.returns:
        case None:
            gives = "nothing"
        case t.Tuple(elements=elements):
            gives = _joined([_type_words(element, False) for element in elements])
        case type_:
            gives = _type_words(type_, False)
    return f"{function.name} (from {takes} to {gives})"


# ----------------------------------------------------------------------------------------- control flow


def _control_flow(kernel: n.Kernel, own: _Nodes, nodes: _Nodes) -> str:
    done: list[str] = []
    constants = {each.name: each.number for each in kernel.constants if each.number is not None}
    loops = Counter(_turns(loop, constants) for loop in nodes.get(n.For, ()))
    kinds = [_loop_words(turns, count) for turns, count in loops.items()]
    if whiles := len(nodes.get(n.While, ())):
        kinds.append("a while loop" if whiles == 1 else f"{_number(whiles)} while loops")
    if kinds:
        done.append(f"has {_joined(kinds)}")
    if branches := len(nodes.get(n.If, ())):
        done.append(f"branches in {_number(branches)} place{'s' * (branches > 1)}")
    if n.Break in nodes:
        done.append("breaks out of a loop")
    if n.Continue in nodes:
        done.append("skips the rest of some turns of a loop")
    returns = len(own.get(n.Return, ()))
    if returns > (bool(kernel.body) and isinstance(kernel.body[-1], n.Return)):
        done.append("returns early")
    if not done:
        return ""
    deep = nesting(kernel)
    nested = f", with control flow nested {_number(deep)} deep" if deep > 1 else ""
    return f"It {_joined(done, ', ')}{nested}."


def _turns(loop: n.For, constants: Mapping[str, n.Literal]) -> int | None:
    """How often a loop turns, or None where only the run can tell."""
    bounds = [_constant(bound, constants) for bound in loop.bounds]
    if None in bounds or (len(bounds) == 3 and bounds[2] == 0):
        return None
    return len(range(*cast("list[int]", bounds)))


def _constant(bound: n.Expr, constants: Mapping[str, n.Literal]) -> int | None:
    literal = constants.get(bound.id) if isinstance(bound, n.Name) else bound
    return int(literal.value) if isinstance(literal, n.Literal) else None


def _loop_words(turns: int | None, count: int) -> str:
    start = "a loop" if count == 1 else f"{_number(count)} loops"
    if turns is None:
        whose = "whose number" if count == 1 else "whose numbers"
        return f"{start} {whose} of turns {'is' if count == 1 else 'are'} only known at run time"
    each = "" if count == 1 else " each"
    return f"{start} of {_number(turns)} turn{'s' * (turns != 1)}{each}"


# --------------------------------------------------------------------------------------------- atomics


def _atomics(own: _Nodes, functions: Sequence[tuple[n.Function, _Nodes]]) -> str:
    found: dict[str, dict[str, None]] = {}
    views = {
        node.target.id: root_name(node.value)
        for node in own.get(n.Assign, ())
        if isinstance(node.target, n.Name) and isinstance(node.value.type, t.Array)
    }
    for node in own.get(n.Call, ()):
        if verb := builtins.verb(node.name):
            name = root_name(node.args[0])
            while name in views:
                name = views[name]
            found.setdefault(verb, {})[name] = None
    for function, nodes in functions:
        for node in nodes.get(n.Call, ()):
            if verb := builtins.verb(node.name):
                found.setdefault(verb, {})[f"an array in {function.name}"] = None
    if not found:
        return ""
    return f"It atomically {_joined([f'{verb} {_joined(list(names))}' for verb, names in found.items()], ', ')}."


# ---------------------------------------------------------------------------------------------- English


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _joined(words: Collection[str], last: str = " ") -> str:
    """``a``, ``a and b``, ``a, b and c``; ``last`` of ``", "`` puts a comma before the and of long parts."""
    *head, tail = words or ("",)
    if not head:
        return tail
    comma = "," if last == ", " and (len(head) > 1 or any(" and " in word for word in words)) else ""
    return f"{', '.join(head)}{comma} and {tail}"


def _several(words: Sequence[str], most: int) -> str:
    """The first words, and how many more there are."""
    if len(words) <= most:
        return _joined(words)
    return _joined([*words[: most - 1], f"{_number(len(words) - most + 1)} more"])
