"""The script that shows a finding: it needs Warp and numpy, prints what is expected and what Warp gives, and
exits 1 where the bug is present and 0 where it is fixed.

A script for CUDA that finds neither a device nor a Warp whose CUDA text it can run exits 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.harness import HARNESS, HARNESS_IMPORTS
from kernelfuzz.findings.script import (
    CHILD,
    CHILD_MEMORY,
    Script,
    check_function,
    kernel_text,
    option_lines,
)
from kernelfuzz.findings.script_arguments import Arguments, arguments, array_lines
from kernelfuzz.findings.signature import changed
from kernelfuzz.ir.array_text import WIDTH, numpy_text
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Case, Input, leaves
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.rename import Kind, rename
from kernelfuzz.ir.types import Array
from kernelfuzz.oracles.compare import same
from kernelfuzz.oracles.verdict import BuildSetting

# How long the script gives a kernel that hangs.
TIMEOUT_SECONDS = 60


def title(finding: Finding) -> str:
    """One line that names the finding."""
    text = finding.signature[:1].upper() + finding.signature[1:]
    return text if len(text) <= 90 else text[:87].rstrip() + "..."


def reproducer(finding: Finding) -> str:
    """The text of ``reproducer.py``.

    Raises ValueError where the finding lacks what its kind needs: ``expected`` (or at least the verdict's
    mismatch) for a wrong value, ``expected`` and ``seeds`` for a wrong gradient.
    """
    match finding.kind:
        case "wrong value":
            return _value(finding)
        case "wrong gradient":
            return _gradient(finding)
        case "different":
            return _different(finding)
        case "rejected" | "does not compile":
            return _refused(finding)
        case "crash" | "hang" | "memory":
            return _ended(finding)
        case "not deterministic":
            return _not_deterministic(finding)
        case _:
            return assert_never(finding.kind)


def launch_script(finding: Finding, case: Case) -> str:
    """A script that launches a kernel once under the finding's setting, and prints every array afterwards."""
    script = _script(finding, title(finding) + ": the kernel before reduction", case.kernel, exits=False)
    made = arguments(case.kernel, case.launch)
    script.add(*made.lines, *_launch(case, made, finding.verdict.setting))
    for param in case.kernel.params:
        if isinstance(param.type, Array):
            script.add(f'print("{param.name}:", {made.names[param.name]}.numpy().tolist())')
    return script.text()


# ------------------------------------------------------------------------------------------ the kinds


def _value(finding: Finding) -> str:
    case, setting = finding.case, finding.verdict.setting
    script = _script(finding, title(finding), case.kernel)
    made = arguments(case.kernel, case.launch)
    script.add(*made.lines, *_launch(case, made, setting))
    if finding.expected is None:
        mismatch = finding.verdict.mismatch
        if mismatch is None:
            raise ValueError("a wrong value needs what is expected")
        name, _, path = mismatch.output.partition(".")
        fields = "".join(f'["{field}"]' for field in path.split(".") if field)
        place = f"{made.names[name]}.numpy(){fields}[{', '.join(map(str, mismatch.index))}]"
        wanted = numpy_text(np.asarray(mismatch.expected))
        checks = [_check(f"{mismatch.output}{list(mismatch.index)}", wanted, f"np.asarray({place})")]
    else:
        checks = _checks(judged(finding), made, "{name}.numpy(){fields}")
    _finish(script, finding, checks)
    return script.text()


def _gradient(finding: Finding) -> str:
    case, setting = finding.case, finding.verdict.setting
    if finding.expected is None or finding.seeds is None:
        raise ValueError("a wrong gradient needs what is expected and the gradients of the outputs")
    script = _script(finding, title(finding), case.kernel)
    made = arguments(case.kernel, case.launch, gradients=True)
    script.add(*made.lines)
    types = {param.name: param.type for param in case.kernel.params}
    seeds: dict[str, str] = {}
    for name, seed in finding.seeds.items():
        type_ = types[name]
        assert isinstance(type_, Array)
        seeds[made.names[name]] = variable = f"{made.names[name]}_seed"
        script.add(*array_lines(variable, type_, seed))
    if setting.target == "cpu" or setting.target == "cuda":
        script.add("tape = wp.Tape()", "with tape:")
        script.add(*(f"    {line}" for line in "\n".join(_launch(case, made, setting)).split("\n")))
        given = ", ".join(f"{name}: {variable}" for name, variable in seeds.items())
        script.add(f"tape.backward(grads={{{given}}})")
    else:
        script.add(*_launch(case, made, setting))
        script.add(*(f"{name}.grad.assign({variable})" for name, variable in seeds.items()))
        script.add(*_launch(case, made, setting, adjoint=True))
    _finish(script, finding, _checks(finding.expected, made, "{name}.grad.numpy(){fields}", "gradient of "))
    return script.text()


def _different(finding: Finding) -> str:
    case, second, setting = finding.case, finding.second, finding.verdict.setting
    first = arguments(case.kernel, case.launch)
    actual = "{name}.numpy(){fields}"
    if second is None:
        # One kernel under two settings: once as Warp has it, once as the finding says.
        script = _script(finding, title(finding), case.kernel, options=False)
        again = arguments(case.kernel, case.launch, suffix="_again")
        plain = BuildSetting(setting.target)
        script.add(*first.lines, *_launch(case, first, plain), "")
        script.add(*option_lines(setting.options), f"{case.kernel.name}.module.mark_modified()")
        script.add(*again.lines, *_launch(case, again, setting))
    else:
        other = _renamed(second.kernel)
        script = _script(finding, title(finding), case.kernel, other)
        again = arguments(other, second.launch, suffix="_again")
        script.add(*first.lines, *_launch(case, first, setting), "")
        script.add(*again.lines, *_launch(Case(other, second.launch), again, setting))
    what = changed(finding.verdict)
    if finding.expected is None:
        checks = [
            _check(f"{what}: {name}{_dotted(path)}", f"{left}{_fields(path)}", f"{right}{_fields(path)}")
            for name, left, right, path in _pairs(case, first, again)
        ]
    else:
        wanted = judged(finding)
        checks = [*_checks(wanted, first, actual), *_checks(wanted, again, actual, f"{what}: ")]
    _finish(script, finding, checks)
    return script.text()


def _refused(finding: Finding) -> str:
    case, setting = finding.case, finding.verdict.setting
    script = _script(finding, title(finding), case.kernel, harness=False)
    if setting.target == "cpu":
        made = arguments(case.kernel, case.launch)
        script.add(*made.lines)
        attempt = _launch(case, made, setting)
    else:
        # NVRTC is part of Warp: it compiles for an architecture that the machine need not have.
        script.need("tempfile")
        attempt = (
            "with tempfile.TemporaryDirectory() as folder:",
            f"    wp.compile_aot_module({case.kernel.name}.module, arch=90, module_dir=folder, use_ptx=True)",
        )
    script.add("try:")
    script.add(*(f"    {line}" for line in "\n".join(attempt).split("\n")))
    script.add(
        '    actual = "accepted"',
        "except Exception as error:",
        '    actual = "rejected: " + str(error).strip()',
        'print("expected: accepted   actual:", actual)',
        'sys.exit(actual != "accepted")',
    )
    return script.text()


def _ended(finding: Finding) -> str:
    case = finding.case
    script = Script(title(finding))
    script.need("signal", "subprocess", "sys")
    child = CHILD.format(seconds=TIMEOUT_SECONDS)
    if finding.kind == "memory":
        script.need("resource")
        child += CHILD_MEMORY
    script.declare(child)
    _declare(script, finding.verdict.setting, (case.kernel,), harness=True, options=True)
    made = arguments(case.kernel, case.launch)
    script.add(*made.lines, *_launch(case, made, finding.verdict.setting))
    return script.text()


def _not_deterministic(finding: Finding) -> str:
    setting, kernel = finding.verdict.setting, finding.case.kernel
    script = _script(finding, title(finding), kernel, harness=False)
    script.need("os", "subprocess", "tempfile")
    script.need_from("pathlib", "Path")
    if setting.target == "cpu":
        build = ("    wp.config.kernel_cache_dir = sys.argv[1]", '    wp.load_module(device="cpu")')
        suffix = "cpp"
    else:
        build = (f"    wp.compile_aot_module({kernel.name}.module, arch=90, module_dir=sys.argv[1], use_ptx=True)",)
        suffix = "cu"
    script.add(
        "if len(sys.argv) == 2:",
        *build,
        "    sys.exit()",
        "",
        "texts = set()",
        'for seed in ("0", "1", "2", "3"):',
        "    with tempfile.TemporaryDirectory() as folder:",
        '        environment = {**os.environ, "PYTHONHASHSEED": seed}',
        "        subprocess.run([sys.executable, __file__, folder], env=environment, check=True)",
        f'        (source,) = Path(folder).rglob("*.{suffix}")',
        "        texts.add(source.read_text())",
        'print("texts of one kernel: expected: 1   actual:", len(texts))',
        "sys.exit(len(texts) != 1)",
    )
    return script.text()


# ------------------------------------------------------------------------------------- parts of a script


def _script(
    finding: Finding,
    headline: str,
    *kernels: Kernel,
    options: bool = True,
    harness: bool = True,
    exits: bool = True,
) -> Script:
    script = Script(headline, exits=exits)
    if exits:
        script.need("sys")
    _declare(script, finding.verdict.setting, kernels, harness=harness, options=options)
    return script


def _declare(script: Script, setting: BuildSetting, kernels: Iterable[Kernel], *, harness: bool, options: bool) -> None:
    """The module options, the kernels, and the device or what stands in for it."""
    script.quiet()
    if options and setting.options:
        script.declare("\n".join(option_lines(setting.options)) + "\n")
    for kernel in kernels:
        script.declare(kernel_text(kernel))
    if not harness:
        script.add('device = "cpu"')
    elif setting.target == "cuda-host":
        script.need(*HARNESS_IMPORTS)
        script.need_from("pathlib", "Path")
        script.declare(HARNESS)
    else:
        script.add(f'device = "{"cpu" if setting.target == "cpu" else "cuda:0"}"')


def _launch(case: Case, made: Arguments, setting: BuildSetting, *, adjoint: bool = False) -> tuple[str, ...]:
    dim = repr(case.launch.dim[0]) if len(case.launch.dim) == 1 else repr(case.launch.dim)
    inputs = ", ".join(made.inputs)
    if setting.target == "cuda-host":
        more = ", adjoint=True" if adjoint else ""
        more += ", tiled=True" if case.launch.tiled else ""
        more += f", block_dim={setting.block_dim}" if setting.block_dim is not None else ""
        more += f", blocks={setting.blocks}" if setting.blocks is not None else ""
        return (_wrapped(f"launch({case.kernel.name}, {case.launch.dim}, [{inputs}]{more})"),)
    function = "launch_tiled" if case.launch.tiled else "launch"
    dim = repr(list(case.launch.dim)) if case.launch.tiled else dim
    block_dim = 64 if case.launch.tiled and setting.block_dim is None else setting.block_dim
    more = f", block_dim={block_dim}" if block_dim is not None else ""
    more += f", max_blocks={setting.blocks}" if setting.blocks is not None else ""
    return (_wrapped(f"wp.{function}({case.kernel.name}, dim={dim}, inputs=[{inputs}]{more}, device=device)"),)


def _wrapped(line: str) -> str:
    """A call on a line of its own, or, where it is too long, with its arguments on the next."""
    if len(line) <= WIDTH or "[" not in line:
        return line
    head, _, rest = line.partition("(")
    return f"{head}(\n    {rest.removesuffix(')')}\n)"


def _check(label: str, wanted: str, actual: str) -> str:
    line = f'    check("{label}", {wanted}, {actual}),'
    if len(line) <= WIDTH and "\n" not in line:
        return line
    wanted = wanted.replace("\n", "\n    ")
    return f'    check(\n        "{label}",\n        {wanted},\n        {actual},\n    ),'


def _checks(expected: Mapping[str, Input], made: Arguments, actual: str, prefix: str = "") -> list[str]:
    """One line for each array to compare; ``actual`` is the pattern of what the script computed."""
    return [
        _check(
            f"{prefix}{name}{_dotted(path)}",
            numpy_text(leaf),
            actual.format(name=made.names[name], fields=_fields(path)),
        )
        for name, value in expected.items()
        for path, leaf in leaves(value)
    ]


def _finish(script: Script, finding: Finding, checks: list[str]) -> None:
    kinds: set[str] = set()
    for value in (finding.expected or {}).values():
        kinds.update(leaf.dtype.kind for _, leaf in leaves(value))
    script.declare(check_function(floats=not kinds or "f" in kinds, tolerance=finding.tolerance))
    if len(checks) == 1 and "\n" not in checks[0]:
        script.add(f"sys.exit(not {checks[0].strip().removesuffix(',')})")
    else:
        script.add("good = [", *checks, "]", "sys.exit(not all(good))")


def judged(finding: Finding) -> dict[str, Input]:
    """The part of ``expected`` that tells anything: what the kernel must change, and what Warp got wrong."""
    expected = finding.expected or {}
    mismatch = finding.verdict.mismatch
    wrong = mismatch.output.split(".")[0] if mismatch else ""
    inputs = finding.case.launch.inputs
    changed_ = {name: value for name, value in expected.items() if name == wrong or not _equal(value, inputs[name])}
    return changed_ or dict(expected)


def _equal(left: Input, right: Input) -> bool:
    return all(
        bool(same(one, other).all())
        for (_, one), (_, other) in zip(leaves(left), leaves(right), strict=True)
        if one.shape == other.shape
    )


def _pairs(case: Case, first: Arguments, again: Arguments) -> Iterable[tuple[str, str, str, tuple[str, ...]]]:
    """The arrays of two launches by position, each with the fields of its elements."""
    for (name, left), right in zip(first.names.items(), again.names.values(), strict=True):
        for path, _ in leaves(case.launch.inputs[name]):
            yield name, f"{left}.numpy()", f"{right}.numpy()", path


def _renamed(kernel: Kernel) -> Kernel:
    """The kernel under names that it can share a module with the original."""
    module_level: frozenset[Kind] = frozenset({"kernel", "function", "struct", "constant"})

    def new_name(kind: Kind, owner: str, name: str) -> str:
        return f"{name}_again" if kind in module_level else name

    return rename(kernel, new_name)


def _fields(path: tuple[str, ...]) -> str:
    return "".join(f'["{field}"]' for field in path)


def _dotted(path: tuple[str, ...]) -> str:
    return "".join(f".{field}" for field in path)
