"""What a name of the source text stands for: who binds it, and the value when the text tells.

Nothing of the text runs.  A name has a value where the text binds it once, to something that can be told by
reading: Warp's names, numbers, tuples of them, types, functions and classes.  The parameters of a factory
function have the values of the first call of it whose arguments can be told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kernelfuzz.ir.nodes import Construct, Literal
from kernelfuzz.ir.types import Type
from kernelfuzz.syntax.parse.errors import ParseError, error
from kernelfuzz.syntax.parse.warp_names import NUMBERS, TYPES

FunctionNode: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"


@dataclass(frozen=True, slots=True)
class WarpName:
    """Something of the ``warp`` package that is neither a type nor a number: the last part of its name."""

    name: str


@dataclass(frozen=True, slots=True)
class PythonModule:
    """Another module that the text imports."""

    name: str


@dataclass(frozen=True, slots=True)
class PythonName:
    """A builtin function of Python or a member of another module."""

    module: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class FunctionSource:
    """A function of the text and the namespace that its ``def`` stands in.

    Of a function that exists (``kernelfuzz.syntax.parse.parse`` of a kernel of Warp), ``kind`` is how Warp has it
    (``kernel``, ``func``), ``types`` has the types of its parameters that are known, ``captured`` the names that it
    captures from functions around it, ``native`` the texts of C++ that it has instead of a body, and ``problem`` says
    what it has that no tree can say.
    """

    node: FunctionNode
    namespace: Namespace
    kind: str = ""
    types: Mapping[str, Type] = field(default_factory=dict[str, Type])
    captured: frozenset[str] = frozenset()
    problem: str = ""
    native: tuple[str, ...] = ()


class Member(int):
    """A member of an ``IntEnum`` or ``IntFlag`` of Python: a number with the names of the class and of itself."""

    def __new__(cls, value: int, enumeration: str, name: str, base: str) -> Member:
        made = super().__new__(cls, value)
        made.enumeration, made.name, made.base = enumeration, name, base
        return made

    enumeration: str
    name: str
    base: str


@dataclass(frozen=True, slots=True)
class Overloads:
    """Functions of one name, which the types of the arguments tell apart."""

    functions: tuple[FunctionSource, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Something that exists and has attributes: a module, a class, an object.  ``ask`` raises KeyError at another."""

    name: str
    ask: Callable[[str], Known]


@dataclass(frozen=True, slots=True)
class ClassSource:
    """A class of the text and the namespace of its body."""

    node: ast.ClassDef
    namespace: Namespace


Source: TypeAlias = "WarpName | PythonModule | PythonName | FunctionSource | Overloads | ClassSource | Members"
Plain: TypeAlias = "int | float | bool | str | tuple[Known, ...] | None"
Known: TypeAlias = "Source | Type | Literal | Construct | Plain"

# How a name gets its value: an expression, a part of an import, a def, a class, or something not known.
Binding: TypeAlias = "ast.expr | Known | Parameter | Opaque"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the function that the namespace belongs to."""

    default: ast.expr | None


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bound by a loop, a with statement or something else that is not followed."""


@dataclass(eq=False, slots=True)
class Namespace:
    """The names that a module, a function or a class body binds; ``owner`` is that function.

    A module's also has the calls of its text by name, what calls of its functions gave, the modules that it
    imports everything of, the package that its relative imports start from, and the folders that imports are looked
    for in before those of the installation.  That of something that exists has ``ask``, which says what a name that
    is not bound here stands for (KeyError: for nothing), and ``run``, which evaluates an expression.
    """

    parent: Namespace | None
    owner: FunctionNode | None = None
    is_class: bool = False
    package: str = ""
    folders: tuple[str, ...] = ()
    stars: list[str] = field(default_factory=list[str])
    bindings: dict[str, list[Binding]] = field(default_factory=dict[str, list[Binding]])
    calls: dict[str, list[tuple[ast.Call, Namespace]]] = field(
        default_factory=dict[str, "list[tuple[ast.Call, Namespace]]"]
    )
    made: dict[tuple[ast.Call, int], Known] = field(default_factory=dict[tuple[ast.Call, int], Known])
    busy: set[str] = field(default_factory=set[str])
    ask: Callable[[str], Known] | None = None
    run: Callable[[str], Known] | None = None

    def bind(self, name: str, binding: Binding) -> None:
        self.bindings.setdefault(name, []).append(binding)

    @property
    def module(self) -> Namespace:
        return self if self.parent is None else self.parent.module


@dataclass(frozen=True, slots=True)
class Sources:
    """The functions and classes of a text in order, each with the namespace that it stands in."""

    module: Namespace
    functions: tuple[FunctionSource, ...]
    classes: tuple[ClassSource, ...]


def read_names(tree: ast.Module, package: str = "", folders: tuple[str, ...] = ()) -> Sources:
    """The namespaces of a text, which is that of a module in a package, beside modules in some folders."""
    scan = _Scan(Namespace(None, package=package, folders=folders))
    for statement in tree.body:
        scan.visit(statement, scan.module)
    return Sources(scan.module, tuple(scan.functions), tuple(scan.classes))


def instance(source: FunctionSource, arguments: Mapping[str, Known]) -> Namespace:
    """The names of one call of a function: its parameters have values, the rest is as its body says."""
    scan = _Scan(Namespace(None))
    inner = Namespace(source.namespace, owner=source.node)
    for name, value in arguments.items():
        inner.bind(name, value)
    for statement in source.node.body:
        scan.visit(statement, inner)
    return inner


class _Scan:
    """Collects who binds what; ``module`` gets the calls by the name of what they call."""

    def __init__(self, module: Namespace) -> None:
        self.module = module
        self.functions: list[FunctionSource] = []
        self.classes: list[ClassSource] = []

    def visit(self, node: ast.AST, namespace: Namespace) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, namespace)
            case ast.ClassDef():
                inner = Namespace(namespace, is_class=True)
                made = ClassSource(node, inner)
                self.classes.append(made)
                namespace.bind(node.name, made)
                for statement in (*node.decorator_list, *node.body):
                    self.visit(statement, inner)
            case ast.Lambda():
                pass
            case _:
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    self.module.calls.setdefault(node.func.id, []).append((node, namespace))
                for name, binding in _bound(node, namespace.module):
                    namespace.bind(name, binding)
                for child in ast.iter_child_nodes(node):
                    self.visit(child, namespace)

    def _function(self, node: FunctionNode, namespace: Namespace) -> None:
        made = FunctionSource(node, namespace)
        self.functions.append(made)
        namespace.bind(node.name, made)
        inner = Namespace(namespace, owner=node)
        for name, default in parameters(node.args):
            inner.bind(name, Parameter(default))
        for outside in (*node.decorator_list, *node.args.defaults):
            self.visit(outside, namespace)
        for statement in node.body:
            self.visit(statement, inner)


def parameters(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    """The parameters of a function in order, each with its default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    for argument, default in zip(positional, defaults, strict=True):
        yield argument.arg, default
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield argument.arg, default
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            yield rest.arg, None


def _bound(node: ast.AST, module: Namespace) -> Iterator[tuple[str, Binding]]:
    """The names that one statement of a module binds itself."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name)) | ast.NamedExpr(target=ast.Name(id=name)):
            yield name, Opaque()
        case ast.For(target=target) | ast.AsyncFor(target=target):
            for each in ast.walk(target):
                if isinstance(each, ast.Name):
                    yield each.id, Opaque()
        case ast.withitem(optional_vars=ast.Name(id=name)):
            yield name, Opaque()
        case ast.Import(names=names):
            for alias in names:
                path = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or path, module_named(path)
        case ast.ImportFrom(names=names):
            path = _absolute(node, module.package)
            for alias in names:
                if not path:
                    yield alias.asname or alias.name, Opaque()
                elif alias.name != "*":
                    yield alias.asname or alias.name, member(module_named(path), alias.name)
                elif isinstance(module_named(path), WarpName):
                    yield "wp", WarpName("warp")  # what the modules of Warp call it
                else:
                    module.stars.append(path)
        case _:
            pass


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Binding]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=elements), ast.Tuple(elts=values) if len(elements) == len(values):
            for element, each in zip(elements, values, strict=True):
                yield from _targets(element, each)
        case ast.Tuple(elts=elements), _:
            for element in elements:
                if isinstance(element, ast.Name):
                    yield element.id, Opaque()
        case _:
            pass


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that ``from`` names; empty where it is relative and the package is not known."""
    above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    if node.level and not (package and above):
        return ""
    return ".".join([*above, *([node.module] if node.module else [])])


# Parts of Warp that are written in Python as anybody's package is: they are read, and are no names of Warp's.
_WRITTEN = re.compile(r"warp\.(_src\.)?(fem|examples|geometry|optim|sim|sparse|tests|render|utils)\b")


def module_named(path: str) -> Known:
    is_warp = path.partition(".")[0] == "warp" and not _WRITTEN.match(path)
    return WarpName("warp") if is_warp else PythonModule(path)


def member(value: Known, name: str) -> Known:
    """What ``value.name`` is for a module; the parts of Warp's package are all one."""
    match value:
        case WarpName():
            if name in TYPES:
                return TYPES[name]
            return NUMBERS.get(name, WarpName(name))
        case PythonModule(name=module):
            return PythonName(module, name)
        case Members(ask=ask):
            try:
                return ask(name)
            except KeyError:
                raise ParseError(f"{value.name} has no {name}", 0) from None
        case _:
            raise ParseError(f"{name} is no member that can be told from the text", 0)


_PYTHON_TYPES: Mapping[str, Type] = {name: TYPES[name] for name in ("int", "float", "bool")}
PYTHON_FUNCTIONS = frozenset({"len", "min", "max", "abs", "round", "range", "print", "pow", "sum", "tuple"})


def find(name: str, namespace: Namespace) -> tuple[Namespace, list[Binding]] | None:
    """The namespace that binds the name for code in ``namespace``, and every binding there."""
    where: Namespace | None = namespace
    while where is not None:
        if name in where.bindings and (not where.is_class or where is namespace):
            return where, where.bindings[name]
        where = where.parent
    return None


def python_name(name: str) -> Known:
    """The builtin of Python with this name, or None where there is none that a kernel knows."""
    if name in _PYTHON_TYPES:
        return _PYTHON_TYPES[name]
    return PythonName("builtins", name) if name in PYTHON_FUNCTIONS else None


def is_func(source: FunctionSource) -> bool:
    """Whether a function stands right under ``@wp.func``."""
    return any(ast.unparse(each) in ("wp.func", "warp.func") for each in source.node.decorator_list)


def only_binding(name: str, found: list[Binding], node: ast.AST) -> Binding:
    """The binding of a name that is bound once, or overloads of a function; the rest are ParseErrors."""
    if len(found) == 1:
        return found[0]
    if all(isinstance(each, (WarpName, PythonModule, PythonName)) and each == found[0] for each in found):
        return found[0]
    functions = tuple([each for each in found if isinstance(each, FunctionSource)])
    if len(functions) == len(found) and all(is_func(each) for each in functions):
        return Overloads(functions)
    if functions:
        raise error(f"{name} is defined more than once, which may be overloads", node)
    raise error(f"{name} is assigned more than once, so that its value cannot be told from the text", node)


def parameter_names(function: FunctionNode) -> list[str]:
    """The names of a function's parameters in order."""
    return [name for name, _ in parameters(function.args)]
