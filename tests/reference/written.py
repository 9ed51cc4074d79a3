"""Kernels written as text, for tests: the part of Python that they need, with types inferred on the way."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernelfuzz.ir import nodes as ir
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Launch
from kernelfuzz.typecheck.builtins import resolve
from kernelfuzz.typecheck.operators import TILE_CALLS, binary_result, tile_call, unary_result
from kernelfuzz.typecheck.verify import verify

VEC2, VEC3 = t.Vector(2, t.FLOAT32), t.Vector(3, t.FLOAT32)
MAT22 = t.Matrix(2, 2, t.FLOAT32)
QUAT, TRANSFORM = t.Quaternion(t.FLOAT32), t.Transform(t.FLOAT32)
TYPES: dict[str, t.Type] = {
    **t.SCALAR_BY_NAME, "int": t.INT32, "float": t.FLOAT32, "bool": t.BOOL, "vec2": VEC2, "vec3": VEC3,
    "mat22": MAT22, "vec2i": t.Vector(2, t.INT32), "quat": QUAT, "transform": TRANSFORM,
}  # fmt: skip
OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not", ast.And: "and", ast.Or: "or",
}  # fmt: skip


class Reader:
    """Reads one function after another; the last one is the kernel."""

    def __init__(self, structs: Sequence[t.Struct], constants: Mapping[str, ir.Literal | ir.Construct]) -> None:
        self.types = {**TYPES, **{struct.name: struct for struct in structs}}
        self.constants = constants
        self.functions: dict[str, ir.Function] = {}
        self.names: dict[str, t.Type] = {}

    def annotation(self, node: ast.expr) -> t.Type:
        if isinstance(node, ast.Subscript):
            assert isinstance(node.value, ast.Name)
            inner = self.annotation(node.slice)
            return t.Array(inner, int(node.value.id.removeprefix("array") or 1))  # pyright: ignore
        if isinstance(node, ast.Tuple):
            return t.Tuple(tuple(self.annotation(each) for each in node.elts))
        return self.types[ast.unparse(node)]

    def function(self, node: ast.FunctionDef) -> ir.Function:
        params = tuple(ir.Param(each.arg, self.annotation(each.annotation)) for each in node.args.args)  # pyright: ignore
        self.names = {**{param.name: param.type for param in params}}
        returns = None if node.returns is None else self.annotation(node.returns)
        return ir.Function(node.name, params, returns, self.block(node.body))

    def block(self, statements: Sequence[ast.stmt]) -> ir.Block:
        return tuple(self.statement(each) for each in statements)

    def statement(self, node: ast.stmt) -> ir.Stmt:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                names = tuple(ast.unparse(target) for target in targets)
                values = value.elts if isinstance(value, ast.Tuple) else [value]
                found = tuple(self.expression(each, count=len(names)) for each in values)
                single = found[0].type.elements if len(found) == 1 and isinstance(found[0].type, t.Tuple) else ()
                self.names.update(zip(names, single or [each.type for each in found], strict=True))
                return ir.Unpack(names, found)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                read = self.expression(value)
                self.names[name] = read.type
                return ir.Assign(ir.Name(name, read.type), read)
            case ast.Assign(targets=[target], value=value):
                return ir.Assign(self.expression(target), self.expression(value))  # pyright: ignore
            case ast.AugAssign(target=target, op=op, value=value):
                return ir.AugAssign(self.expression(target), OPERATORS[type(op)], self.expression(value))  # pyright: ignore
            case ast.If(test=test, body=body, orelse=orelse):
                return ir.If(self.expression(test), self.block(body), self.block(orelse))
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), body=body):
                read = tuple(self.expression(bound) for bound in bounds)
                self.names[name] = t.INT32
                return ir.For(name, read, self.block(body))
            case ast.While(test=test, body=body):
                return ir.While(self.expression(test), self.block(body))
            case ast.Return(value=value):
                values = () if value is None else value.elts if isinstance(value, ast.Tuple) else (value,)
                return ir.Return(tuple(self.expression(each) for each in values))
            case ast.Expr(value=value):
                return ir.ExprStmt(self.expression(value))
            case ast.Break():
                return ir.Break()
            case ast.Continue():
                return ir.Continue()
            case _:
                raise SyntaxError(ast.unparse(node))

    def expression(self, node: ast.expr, count: int = 1) -> ir.Expr:
        match node:
            case ast.Constant(value=value):
                kind = t.BOOL if isinstance(value, bool) else t.FLOAT32 if isinstance(value, float) else t.INT32
                return ir.Literal(value, kind)  # pyright: ignore
            case ast.Name(id=name):
                return ir.Name(name, self.names.get(name) or self.constants[name].type)
            case ast.UnaryOp(op=op, operand=operand):
                read = self.expression(operand)
                return ir.Unary(OPERATORS[type(op)], read, typed(unary_result(OPERATORS[type(op)], read.type)))
            case ast.BinOp(left=left, op=op, right=right):
                a, b, sign = self.expression(left), self.expression(right), OPERATORS[type(op)]
                return ir.Binary(sign, a, b, typed(binary_result(sign, a.type, b.type)))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                read = tuple(self.expression(each) for each in rest)
                return ir.Compare(self.expression(left), tuple(OPERATORS[type(op)] for op in ops), read)
            case ast.BoolOp(op=op, values=values):
                return ir.BoolOp(OPERATORS[type(op)], tuple(self.expression(each) for each in values))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                a = self.expression(body)
                return ir.IfExp(self.expression(test), a, self.expression(orelse), a.type)
            case ast.Attribute(value=ast.Attribute() | ast.Name() | ast.Subscript() as value, attr=name):
                return self.attribute(self.expression(value), name)
            case ast.Subscript(value=ast.Attribute(value=array, attr="shape"), slice=ast.Constant(value=int(axis))):
                return ir.ArrayShape(self.expression(array), axis)
            case ast.Subscript(value=value, slice=index):
                return self.subscript(self.expression(value), index)
            case ast.Call():
                return self.call(node, count)
            case _:
                raise SyntaxError(ast.unparse(node))

    def attribute(self, value: ir.Expr, name: str) -> ir.Expr:
        match value.type:
            case t.Struct() as struct:
                return ir.Attribute(value, name, typed(struct.field(name)))
            case t.Transform(dtype=dtype):
                return ir.Attribute(value, name, t.Vector(3, dtype) if name == "p" else t.Quaternion(dtype))
            case t.Vector(dtype=dtype) | t.Quaternion(dtype=dtype):
                return ir.Attribute(value, name, dtype)
            case _:
                raise SyntaxError(name)

    def subscript(self, value: ir.Expr, index: ast.expr) -> ir.Expr:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if isinstance(index, ast.Slice):
            bounds = [None if b is None else ast.literal_eval(b) for b in (index.lower, index.upper, index.step)]
            assert isinstance(value.type, t.Vector)
            length = len(range(value.type.length)[slice(*bounds)])
            return ir.Index(value, (ir.Slice(*bounds),), t.Vector(length, value.type.dtype))
        indices = tuple(self.expression(part) for part in parts)
        match value.type:
            case t.Array(dtype=dtype, ndim=ndim):
                left = ndim - len(indices)
                return ir.Index(value, indices, t.Array(dtype, left) if left else dtype)
            case t.Matrix(columns=columns, dtype=dtype) if len(indices) == 1:
                return ir.Index(value, indices, t.Vector(columns, dtype))
            case t.Vector(dtype=dtype) | t.Matrix(dtype=dtype) | t.Quaternion(dtype=dtype) | t.Transform(dtype=dtype):
                return ir.Index(value, indices, dtype)
            case _:
                raise SyntaxError(ast.unparse(index))

    def call(self, node: ast.Call, count: int) -> ir.Expr:
        name = ast.unparse(node.func).removeprefix("wp.")
        args = tuple(self.expression(each) for each in node.args)
        if name == "static":
            assert isinstance(args[0].type, t.Scalar)
            return ir.Static(args[0], args[0].type)
        if name == "tid":
            return ir.Call("tid", (), t.INT32 if count == 1 else t.Tuple((t.INT32,) * count))
        if name in self.types:
            type_ = self.types[name]
            if not isinstance(type_, t.Scalar):
                return ir.Construct(type_, args)
            negative = isinstance(args[0], ir.Unary) and isinstance(args[0].operand, ir.Literal)
            if type_ not in (t.INT32, t.FLOAT32, t.BOOL) and (isinstance(args[0], ir.Literal) or negative):
                return ir.Literal(ast.literal_eval(node.args[0]), type_)
            return ir.Cast(type_, args[0])
        if name in self.functions:
            returns = self.functions[name].returns
            return ir.CallFunction(name, args, t.Tuple(()) if returns is None else returns)
        keywords = tuple((str(each.arg), self.keyword(each.value)) for each in node.keywords)
        types = tuple(arg.type for arg in args)
        if name in TILE_CALLS:
            return ir.Call(name, args, typed(tile_call(name, types, keywords)), keywords)
        signature = resolve(name, types, keywords)
        assert signature is not None, f"{name}{types}"
        return ir.Call(name, args, signature.result, keywords)

    def keyword(self, node: ast.expr) -> Any:
        text = ast.unparse(node)
        return self.types[text] if text in self.types else ast.literal_eval(node)


def typed(type_: t.Type | None) -> Any:
    assert type_ is not None, "no such operation"
    return type_


def kernel(text: str, *structs: t.Struct, **constants: ir.Literal | ir.Construct) -> ir.Kernel:
    """The kernel that a text of functions declares; the last one is the kernel."""
    reader = Reader(structs, constants)
    *functions, last = [each for each in ast.parse(textwrap.dedent(text)).body if isinstance(each, ast.FunctionDef)]
    for each in functions:
        reader.functions[each.name] = reader.function(each)
    read = reader.function(last)
    made = ir.Kernel(
        read.name,
        read.params,
        read.body,
        tuple(reader.functions.values()),
        structs,
        tuple(ir.Constant(name, value) for name, value in constants.items()),
    )
    verify(made)
    return made


def launch(made: ir.Kernel, dim: int | tuple[int, ...] = 1, tiled: bool = False, **inputs: Any) -> Launch:
    """A launch; an array of floats or ints may be a list."""
    grid = (dim,) if isinstance(dim, int) else dim
    types = {param.name: param.type for param in made.params}
    return Launch(grid, {name: _input(types[name], value) for name, value in inputs.items()}, tiled)


def _input(type_: t.Type, value: Any) -> Any:
    inner = type_.dtype if isinstance(type_, t.Array) else type_
    if isinstance(inner, t.Struct):
        return {name: _input(field, value[name]) for name, field in inner.fields}
    assert not isinstance(inner, (t.Array, t.Tile, t.Tuple))
    scalar = inner if isinstance(inner, t.Scalar) else inner.dtype
    return np.array(value, dtype=scalar.name)
