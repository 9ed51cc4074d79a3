"""What a kernel contains, gathered in one pass, and the questions about it by which features are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeAlias, TypeVar, cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local, root_name, root_of
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_GROUP, FEATURE_OF_OPERATOR, FEATURE_OF_TYPE
from kernelfuzz.strategies.ranges import component_of
from kernelfuzz.strategies.value_types import feature_of
from kernelfuzz.typecheck.builtins import Signature, resolve

N = TypeVar("N", bound=n.Node)


def _distinct(types: Iterable[t.Type]) -> Iterable[t.Type]:
    """Each type object once; to compare types would take longer than to look at some of them twice."""
    return {id(type_): type_ for type_ in types}.values()


class Inventory:
    """The nodes of a kernel by their class, in source order, and what features ask about several classes of them."""

    def __init__(self, kernel: n.Kernel) -> None:
        self.kernel = kernel
        self.nodes: defaultdict[type[n.Node], list[n.Node]] = defaultdict(list)
        for node in walk(kernel):
            self.nodes[type(node)].append(node)

    def of(self, kind: type[N]) -> list[N]:
        """All nodes of exactly this class."""
        return cast("list[N]", self.nodes.get(kind, []))

    @cached_property
    def scalars(self) -> set[t.Scalar]:
        """The scalar types of which the values of parameters and expressions, literals and names apart, are made."""
        left_out = (n.Name, n.Literal)
        typed = [nodes for kind, nodes in self.nodes.items() if kind not in left_out and hasattr(nodes[0], "type")]
        types = _distinct(cast("Any", node).type for nodes in typed for node in nodes)
        return {scalar for type_ in types if (scalar := component_of(type_)) is not None}

    @cached_property
    def operators(self) -> set[str]:
        """The features of the operators that have scalar results, and of ``~``."""
        ops = {node.op for node in (*self.of(n.Binary), *self.of(n.Unary)) if isinstance(node.type, t.Scalar)}
        ops |= {node.op for node in self.of(n.AugAssign) if isinstance(node.target.type, t.Scalar)}
        ops |= {node.op for node in self.of(n.Unary) if node.op == "~"}
        return {FEATURE_OF_OPERATOR[op] for op in ops if op in FEATURE_OF_OPERATOR}

    @cached_property
    def builtins(self) -> list[n.Call]:
        """The calls of builtins that are neither atomic operations, nor of tiles, nor ``where``."""
        others = ("atomic_", "tile")
        return [call for call in self.of(n.Call) if call.name != "where" and not call.name.startswith(others)]

    @cached_property
    def groups(self) -> set[str]:
        """The groups in the table of builtins of those that are called."""
        return {signature.builtin.group for signature in self.signatures}

    @cached_property
    def signatures(self) -> list[Signature]:
        """The signatures of the builtins that are called."""
        found = (resolve(c.name, tuple(argument.type for argument in c.args), c.keywords) for c in self.builtins)
        return [signature for signature in found if signature is not None]

    @cached_property
    def composites(self) -> list[t.Type]:
        """The types of the results of operations, and of the quaternions and transforms that a builtin takes."""
        operations = (*self.of(n.Binary), *self.of(n.Unary), *self.of(n.Construct), *self.builtins)
        taken = _distinct(argument.type for call in self.builtins for argument in call.args)
        made = _distinct(node.type for node in operations)
        return [*made, *(type_ for type_ in taken if isinstance(type_, (t.Quaternion, t.Transform)))]

    @cached_property
    def returns_early(self) -> bool:
        """Whether the kernel itself returns."""
        return bool(self.of(n.Return)) and any(isinstance(node, n.Return) for node in walk(*self.kernel.body))

    @property
    def targets(self) -> Iterator[n.Place]:
        """What is stored into, names apart."""
        for node in (*self.of(n.Assign), *self.of(n.AugAssign)):
            if not isinstance(node.target, n.Name):
                yield node.target

    @property
    def units(self) -> Iterator[n.Kernel | n.Function]:
        """The kernel and its functions."""
        yield self.kernel
        yield from self.kernel.functions


Finder: TypeAlias = Callable[[Inventory], bool]


def node(kind: type[N], where: Callable[[N], bool] | None = None) -> Finder:
    """Whether there is a node of a class, of which something may have to hold."""
    if where is None:
        return lambda shown: bool(shown.of(kind))
    return lambda shown: any(map(where, shown.of(kind)))


def parameter(holds: Callable[[t.Type], bool]) -> Finder:
    """Whether the kernel has a parameter whose type is as wanted."""
    return lambda shown: any(holds(param.type) for param in shown.kernel.params)


def function(holds: Callable[[n.Function], bool]) -> Finder:
    """Whether the kernel has a function that is as wanted."""
    return lambda shown: any(map(holds, shown.kernel.functions))


def scalar(holds: Callable[[t.Scalar], bool]) -> Finder:
    """Whether a parameter or an expression is made of a scalar type that is as wanted."""
    return lambda shown: any(map(holds, shown.scalars))


def dtype(feature: str) -> Finder:
    """Whether a parameter or an expression is made of a scalar type that needs the feature."""
    return scalar(lambda each: feature_of(each) == feature)


def operator(feature: str) -> Finder:
    """Whether there is an operator over scalars that counts for the feature."""
    return lambda shown: feature in shown.operators


def builtin(feature: str) -> Finder:
    """Whether a builtin is called whose group counts for the feature."""
    return lambda shown: any(FEATURE_OF_GROUP.get(group) == feature for group in shown.groups)


def search(shown: Inventory) -> bool:
    """Whether an index is searched for: by ``wp.sample_cdf`` too, whose group is that of random numbers."""
    return builtin("search")(shown) or any(call.name == "sample_cdf" for call in shown.of(n.Call))


def composite(feature: str) -> Finder:
    """Whether an operation makes (or takes, for quaternions and transforms) a value of the feature's types."""
    return lambda shown: any(FEATURE_OF_TYPE.get(type(type_)) == feature for type_ in shown.composites)


def either(*finders: Finder) -> Finder:
    """Whether one of several things is there."""
    return lambda shown: any(finder(shown) for finder in finders)


# ---------------------------------------------------- what one feature asks


def atomic(shown: Inventory) -> bool:
    """Whether there is an atomic operation: a call of one, or an augmented store into an element."""
    calls = any(call.name.startswith("atomic_") for call in shown.of(n.Call))
    return calls or any(
        isinstance(node.target, n.Index) and isinstance(node.target.value.type, t.Array) and node.op in "+-&|^"
        for node in shown.of(n.AugAssign)
    )


def tested(shown: Inventory) -> bool:
    """Whether a condition is no bool: a number or an array stands for its truth."""
    return any(test.type != t.BOOL for test in _tests(shown))


def asked_array(shown: Inventory) -> bool:
    """Whether a condition is an array: whether it is there."""
    return any(isinstance(test.type, t.Array) for test in _tests(shown))


def _tests(shown: Inventory) -> list[n.Expr]:
    tests = [node.test for node in (*shown.of(n.If), *shown.of(n.While), *shown.of(n.IfExp))]
    tests += [value for node in shown.of(n.BoolOp) for value in node.values]
    tests += [node.operand for node in shown.of(n.Unary) if node.op == "not"]
    return tests


def assigned_param(shown: Inventory) -> bool:
    """Whether the kernel or a function changes one of its own parameters that are no arrays."""
    units = (*shown.kernel.functions, shown.kernel)
    values = ({each.name for each in unit.params if not isinstance(each.type, t.Array)} for unit in units)
    return any(not names.isdisjoint(_changed(unit.body)) for names, unit in zip(values, units, strict=True))


def _changed(block: n.Block) -> set[str]:
    """The names that a block binds or stores into a part of."""
    stores = (node for node in walk(*block) if isinstance(node, (n.Assign, n.AugAssign)))
    return {*bound_names(block), *(root_name(store.target) for store in stores if is_local(store.target))}


def long_value(shown: Inventory) -> bool:
    """Whether an operation makes a vector or a matrix of more than four components a side."""
    return any(max(t.shape(x)) > 4 for x in shown.composites if isinstance(x, (t.Vector, t.Matrix)))


def conversion(cast_: n.Cast) -> bool:
    """Whether a cast converts what is known when the kernel runs only."""
    source = cast_.operand.type
    return not isinstance(cast_.operand, n.Literal) and isinstance(source, t.Scalar) and source != cast_.type


def change_of_width(cast_: n.Cast) -> bool:
    """Whether a cast converts an integer to an integer of another width."""
    source, target = cast_.operand.type, cast_.type
    if not conversion(cast_) or not isinstance(source, t.Scalar):
        return False
    return source.is_integer and target.is_integer and source.bits != target.bits


def thread_indices(unpack: n.Unpack) -> bool:
    """Whether the indices of a thread are unpacked."""
    return len(unpack.values) == 1 and isinstance(unpack.values[0], n.Call) and unpack.values[0].name == "tid"


def elif_(branch: n.If) -> bool:
    """Whether the branch goes on with another condition."""
    return len(branch.orelse) == 1 and isinstance(branch.orelse[0], n.If)


def nested_loop(shown: Inventory) -> bool:
    """Whether a loop stands in a loop."""
    loops = (*shown.of(n.For), *shown.of(n.While))
    return len(loops) > 1 and any(isinstance(node, (n.For, n.While)) for loop in loops for node in walk(*loop.body))


def component_store(shown: Inventory) -> bool:
    """Whether a part of a local is stored into."""
    return any(_element(target) is None for target in shown.targets)


def target(holds: Callable[[n.Place], bool]) -> Finder:
    """Whether something is stored into a place that is as wanted."""
    return lambda shown: any(map(holds, shown.targets))


def sliced(place: n.Place) -> bool:
    """Whether a place is a slice."""
    return isinstance(place, n.Index) and any(isinstance(index, n.Slice) for index in place.indices)


def slice_of_array(index: n.Index) -> bool:
    """Whether this is a slice of an array."""
    return sliced(index) and isinstance(index.value.type, t.Array)


def slice_of_value(index: n.Index) -> bool:
    """Whether this is a slice of a vector, a matrix, a quaternion or a transform."""
    return sliced(index) and not isinstance(index.value.type, t.Array)


def computed(place: n.Place) -> bool:
    """Whether a subscript on the way to a place reads an element, or calls a function."""
    base: n.Expr = place
    while isinstance(base, (n.Index, n.Attribute)):
        indices = base.indices if isinstance(base, n.Index) else ()
        if any(isinstance(below, n.CallFunction) or is_element(below) for below in walk(*indices)):
            return True
        base = base.value
    return False


def is_element(node: n.Node) -> bool:
    """Whether a node is an element of an array."""
    return isinstance(node, n.Index) and isinstance(node.value.type, t.Array)


def element_component_store(shown: Inventory) -> bool:
    """Whether a part of an array's element is stored into."""
    return any(_element(target) not in (None, target) for target in shown.targets)


def _element(place: n.Place) -> n.Index | None:
    """The element of an array that a place is or lies in."""
    base: n.Expr = place
    while isinstance(base, (n.Index, n.Attribute)):
        if isinstance(base, n.Index) and isinstance(base.value.type, t.Array):
            return base
        base = base.value
    return None


def effect(shown: Inventory) -> bool:
    """Whether a function that returns a value and stores into an array is called."""
    called = {call.name for call in shown.of(n.CallFunction)}
    return any(each.returns and each.name in called and _stores(each) for each in shown.kernel.functions)


def _stores(function: n.Function) -> bool:
    """Whether a function stores into an array that it is given."""
    stores = (node for node in walk(*function.body) if isinstance(node, (n.Assign, n.AugAssign)))
    targets = (store.target for store in stores if not isinstance(store.target, n.Name))
    return any(isinstance(root_of(target).type, t.Array) for target in targets)


def outlives(unit: n.Kernel | n.Function) -> bool:
    """Whether a name that only a nested block makes, and that is no parameter, is read after that block."""
    return _outlives(unit.body, {param.name for param in unit.params})


def _outlives(block: n.Block, known: set[str]) -> bool:
    """``known``: the names that the code before the block makes; grows by what the block makes itself."""
    nested: set[str] = set()
    for statement in block:
        bound = bound_names((statement,))
        gone = nested - known - bound
        if gone and any(isinstance(node, n.Name) and node.id in gone for node in walk(statement)):
            return True
        if isinstance(statement, (n.If, n.For, n.While)):
            blocks = (statement.body, statement.orelse) if isinstance(statement, n.If) else (statement.body,)
            if any(_outlives(inner, set(known)) for inner in blocks):
                return True
            nested |= bound
        else:
            known |= bound
    return False
