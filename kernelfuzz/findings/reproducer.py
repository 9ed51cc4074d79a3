"""The script that shows a finding: it needs Warp and numpy, prints what is expected and what Warp gives, and
exits 1 where the bug is present and 0 where it is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from textwrap import indent

import numpy as np

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.promise_lines import promise_parts
from kernelfuzz.findings.script import (
    CHILD,
    CHILD_MEMORY,
    HARNESS,
    HARNESS_IMPORTS,
    PLACED,
    STATEMENTS,
    UNCHANGED,
    Script,
    check_function,
    kernel_text,
    option_lines,
)
from kernelfuzz.findings.script_arguments import Arguments, arguments, array_lines, placed_line
from kernelfuzz.findings.signature import changed
from kernelfuzz.ir.array_text import WIDTH, numpy_text
from kernelfuzz.ir.launch import Case, Input, Path, leaves
from kernelfuzz.ir.names import with_suffix
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import Array, Struct, Type
from kernelfuzz.oracles.verdict import FAILURES, BuildSetting
from kernelfuzz.syntax.render import IMPORT_LINE
from kernelfuzz.toolchain.layouts import CONTIGUOUS, layout_of

# How long the script lets a kernel run that hangs, in seconds of the processor; and how long one that computes
# nothing, which on the CPU no kernel does.
TIMEOUT_SECONDS = 60
_WAITING_SECONDS = 3600


def reproducer(finding: Finding) -> str:
    """Return the text of ``reproducer.py``.

    Raises ValueError where the finding lacks what its kind needs: ``expected`` (or at least the verdict's
    mismatch) for a wrong value, ``expected`` and ``seeds`` for a wrong gradient.
    """
    return _SCRIPTS[FAILURES[finding.kind].shown_by](finding).text()


def launch_script(finding: Finding, case: Case) -> str:
    """Return a script that launches a kernel once under the finding's setting, and prints every array afterwards."""
    script = Script(finding.title + ": the kernel before reduction", exits=False)
    _declare(script, finding.verdict.setting, case.kernel)
    made = _launched(script, case, finding.verdict.setting)
    for name, variable in made.names.items():
        script.add(f'print("{name}:", {variable}.numpy().tolist())')
    return script.text()


# ------------------------------------------------------------------------------- one for each sort of script


def _values(finding: Finding) -> Script:
    script = _script(finding, finding.case.kernel)
    made = _launched(script, finding.case, finding.verdict.setting)
    if finding.expected is not None:
        checks = _checks(finding.judged(), made.names)
    elif (mismatch := finding.verdict.mismatch) is not None:
        path = tuple(mismatch.output.split("."))
        element = f"{_array(made.names, path)}[{', '.join(map(str, mismatch.index))}]"
        label = f"{mismatch.output}{list(mismatch.index)}"
        checks = [_check(label, numpy_text(np.asarray(mismatch.expected)), f"np.asarray({element})")]
    else:
        raise ValueError("a wrong value needs what is expected")
    return _finish(script, finding, checks)


def _gradients(finding: Finding) -> Script:
    if finding.expected is None or finding.seeds is None:
        raise ValueError("a wrong gradient needs what is expected and the gradients of the outputs")
    script = _script(finding, finding.case.kernel)
    made = _differentiated(script, finding, finding.seeds)
    return _finish(script, finding, _checks(finding.expected, made.names, "gradient of ", "grad.numpy()"))


def _bands(finding: Finding) -> Script:
    script = _script(finding, finding.case.kernel)
    if finding.seeds is None:
        _launched(script, finding.case, finding.verdict.setting, bands=True)
    else:
        _differentiated(script, finding, finding.seeds, bands=True)
    script.declare(UNCHANGED)
    script.add("sys.exit(not all([unchanged(name) for name in around]))")
    return script


def _differentiated(script: Script, finding: Finding, given: Mapping[str, Input], *, bands: bool = False) -> Arguments:
    """Add the arguments, a launch, and its adjoint, which starts from the gradients ``given``."""
    case, setting = finding.case, finding.verdict.setting
    made = _placed(script, case, setting, gradients=True, bands=bands)
    seeds: dict[str, str] = {}
    for name, type_, seed in _seeded_arrays(case.kernel, given):
        seeds[made.names[name]] = variable = f"{made.names[name]}_seed"
        script.add(*array_lines(variable, type_, seed))
    if setting.target in ("cpu", "cuda"):
        grads = ", ".join(f"{name}: {variable}" for name, variable in seeds.items())
        script.add("tape = wp.Tape()", "with tape:", indent(_launch(case, made, setting), "    "))
        script.add(f"tape.backward(grads={{{grads}}})")
    else:
        script.add(_launch(case, made, setting))
        script.add(*(f"{name}.grad.assign({variable})" for name, variable in seeds.items()))
        script.add(_launch(case, made, setting, adjoint=True))
    return made


def _seeded_arrays(kernel: Kernel, seeds: Mapping[str, Input]) -> Iterator[tuple[str, Array, Input]]:
    """The arrays that have seeds, by name; those in structs too."""

    def inside(name: str, type_: Type, seed: Input) -> Iterator[tuple[str, Array, Input]]:
        if isinstance(type_, Array):
            yield name, type_, seed
        else:
            assert isinstance(type_, Struct)
            assert isinstance(seed, Mapping)
            fields = dict(type_.fields)
            for field, inner in seed.items():
                yield from inside(f"{name}.{field}", fields[field], inner)

    types = {param.name: param.type for param in kernel.params}
    for name, seed in seeds.items():
        yield from inside(name, types[name], seed)


def _two_runs(finding: Finding) -> Script:
    case, second, setting = finding.case, finding.second, finding.verdict.setting
    if second is None:
        # One kernel under two settings: once with Warp's defaults, once with the finding's.
        script = _script(finding, case.kernel, options=False)
        first = _launched(script, case, BuildSetting(setting.target))
        script.add("", *option_lines(setting.options), f"{case.kernel.name}.module.mark_modified()")
        again = _launched(script, case, setting, suffix="_again")
    else:
        other = Case(with_suffix(second.kernel, "_again"), second.launch)
        script = _script(finding, case.kernel, other.kernel)
        first = _launched(script, case, setting)
        script.add("")
        again = _launched(script, other, setting, suffix="_again")
    # The arrays belong together by position: the second kernel may have other names.
    names = dict(zip(first.names, again.names.values(), strict=True))
    what = changed(finding.verdict)
    if finding.expected is None:
        checks = [
            _check(f"{what}: {'.'.join(path)}", _array(first.names, path), _array(names, path))
            for path, _ in leaves({name: case.launch.inputs[name] for name in names})
        ]
    else:
        wanted = finding.judged()
        checks = [*_checks(wanted, first.names), *_checks(wanted, names, f"{what}: ")]
    return _finish(script, finding, checks)


def _build(finding: Finding) -> Script:
    case, setting = finding.case, finding.verdict.setting
    # Warp may refuse a kernel where it is declared: a static expression is evaluated there.
    at_once = finding.verdict.kind == "rejected"
    script = _script(finding, *(() if at_once else (case.kernel,)), harness=False)
    tried = [kernel_text(case.kernel).strip("\n").replace("\n\n\n", "\n\n"), ""] if at_once else []
    if setting.target == "cpu":
        made = arguments(case.kernel, case.launch)
        tried += [*made.lines, _launch(case, made, setting)]
    else:
        script.need("tempfile")
        tried.append("with tempfile.TemporaryDirectory() as folder:\n    " + _compile(case.kernel, "folder"))
    script.add(
        *("try:", indent("\n".join(tried), "    "), '    actual = "accepted"'),
        *("except Exception as error:", '    actual = "rejected: " + str(error).strip()'),
        *('print("expected: accepted   actual:", actual)', 'sys.exit(actual != "accepted")'),
    )
    return script


def _end(finding: Finding) -> Script:
    script = Script(finding.title)
    script.need("resource", "signal", "subprocess", "sys")
    waits = finding.verdict.setting.target == "cuda"
    child = CHILD.format(seconds=TIMEOUT_SECONDS, waiting=TIMEOUT_SECONDS if waits else _WAITING_SECONDS)
    if finding.kind == "memory":
        child += CHILD_MEMORY
    script.declare(child)
    setting, kernel = finding.verdict.setting, finding.case.kernel
    built = setting.target == "ptx"
    _declare(script, setting, kernel, harness=not built)
    if built:
        script.need("tempfile")
        script.add("with tempfile.TemporaryDirectory() as folder:\n    " + _compile(kernel, "folder"))
    elif finding.seeds is None:
        _launched(script, finding.case, setting)
    else:
        _differentiated(script, finding, finding.seeds)
    return script


def _texts(finding: Finding) -> Script:
    setting, kernel = finding.verdict.setting, finding.case.kernel
    script = _script(finding, kernel, harness=False)
    script.need("os", "subprocess", "tempfile")
    script.need_from("pathlib", "Path")
    build, suffix = _generate(kernel, setting, "sys.argv[1]")
    script.add(
        "if len(sys.argv) == 2:",
        *(f"    {line}" for line in build),
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
    return script


def _text(finding: Finding) -> Script:
    setting, kernel, fault = finding.verdict.setting, finding.case.kernel, finding.verdict.malformed
    if fault is None:
        raise ValueError("malformed code needs what is wrong in it")
    script = _script(finding, kernel, harness=False)
    script.need("re", "tempfile")
    script.need_from("pathlib", "Path")
    script.declare(STATEMENTS)
    build, suffix = _generate(kernel, setting, "folder")
    # A pass of the kernel, or a function, whose name ends in a number.
    function = (
        fault.function if fault.function.startswith("kernel_") else rf"\b{fault.function.rstrip('0123456789')}\d+"
    )
    said = (f"expected: {fault.wanted or 'nothing'}", f"actual:   {fault.actual or 'nothing'}")
    script.add(
        *("with tempfile.TemporaryDirectory() as folder:", *(f"    {line}" for line in build)),
        f'    (source,) = Path(folder).rglob("*.{suffix}")',
        f"    found = statements(source.read_text(), {function + '[(]$'!r}, {fault.about!r})",
        "# What it has where the bug is present.",
        *("lines = [", *(f"    {_text_literal(line)}," for line in fault.lines), "]"),
        *(f"print({_text_literal(text)})" for text in said),
        *("if not found:", '    print("undecided: this Warp generates other code")', "    sys.exit(2)"),
        *('print("fixed" if found != lines else "as before")', "sys.exit(found == lines)"),
    )
    return script


# What a kernel is called and does, as Warp generates it for both devices.
_SEEN = """\
def seen():
    with tempfile.TemporaryDirectory() as folder:
        wp.compile_aot_module({name}.module, device="cpu", module_dir=folder)
        wp.compile_aot_module({name}.module, arch=90, module_dir=folder, use_ptx=True)
        texts = [path.read_text() for pattern in ("*.cpp", "*.cu") for path in Path(folder).glob(pattern)]
    name = {name}.get_mangled_name()
    passes = [f"{{name}}_{{each}}" for each in ("cpu_kernel_forward", "cpu_kernel_backward")]
    passes += [f"{{name}}_{{each}}" for each in ("cuda_kernel_forward", "cuda_kernel_backward")]
    found = [(text, each) for text in texts for each in passes if each + "(" in text]
    return name, [statements(text, each + "[(]$", "") for text, each in found]
"""


def _builds(finding: Finding) -> Script:
    kernel = finding.case.kernel
    script = _script(finding, kernel, options=False, harness=False)
    script.need("re", "tempfile")
    script.need_from("pathlib", "Path")
    script.declare(STATEMENTS)
    script.declare(_SEEN.format(name=kernel.name))
    other = with_suffix(kernel, "_beside")
    script.add(
        *("first = seen()", 'wp.set_module_options({"max_unroll": 1})', "seen()"),
        *('wp.set_module_options({"max_unroll": 16})', "again = seen()", ""),
        *(kernel_text(other).rstrip("\n").split("\n") if not kernel.closure else ()),
        *("", "", "beside = seen()"),
        *('print("expected:", first[0], "  actual:", again[0], beside[0])', "sys.exit(not first == again == beside)"),
    )
    return script


def _call(finding: Finding) -> Script:
    script = _script(finding, finding.case.kernel)
    made = _launched(script, finding.case, finding.verdict.setting)
    declarations, lines = promise_parts(finding.case.kernel, finding.verdict.reason, made.names)
    for each in declarations:
        script.declare(each)
    script.add(*lines)
    return script


def _refusal(finding: Finding) -> Script:
    accepted, kernel = finding.verdict.accepted, finding.case.kernel
    if accepted is None:
        raise ValueError("an accepted kernel needs its text")
    script = Script(finding.title)
    script.need("sys", "tempfile")
    script.quiet()
    script.declare(accepted.source.removeprefix(IMPORT_LINE))
    script.add(
        *("try:", "    with tempfile.TemporaryDirectory() as folder:"),
        f'        wp.compile_aot_module({kernel.name}.module, device="cpu", module_dir=folder)',
        *('    actual = "accepted"', "except Exception as error:", '    actual = "refused: " + str(error).strip()'),
        *('print("expected: refused   actual:", actual)', 'sys.exit(actual == "accepted")'),
    )
    return script


# Warp prints what NVRTC says of a text that it takes only then.
_LOUD = """\
if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_DEBUG
else:
    wp.config.verbose = True
"""


def _warning(finding: Finding) -> Script:
    setting, kernel = finding.verdict.setting, finding.case.kernel
    script = _script(finding, kernel, harness=False)
    script.need("os", "subprocess", "tempfile")
    script.declare(_LOUD)
    build, suffix = _generate(kernel, setting, "sys.argv[1]")
    script.add(
        "if len(sys.argv) == 2:",
        *(f"    {line}" for line in build),
        "    sys.exit()",
        "",
        "with tempfile.TemporaryDirectory() as folder:",
        "    child = [sys.executable, __file__, folder]",
        "    done = subprocess.run(child, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)",
        f"found = [each for each in done.stdout.splitlines() if {changed(finding.verdict)!r} in each]",
        f'found = [each for each in found if ".{suffix}" in each]',
        'print("expected: no warning   actual:", os.path.basename(found[0]) if found else "no warning")',
        "sys.exit(bool(found))",
    )
    return script


_SCRIPTS: dict[str, Callable[[Finding], Script]] = {
    "values": _values,
    "gradients": _gradients,
    "two runs": _two_runs,
    "a build": _build,
    "an end": _end,
    "texts": _texts,
    "bands": _bands,
    "a text": _text,
    "builds": _builds,
    "a call": _call,
    "a refusal": _refusal,
    "a warning": _warning,
}


# ------------------------------------------------------------------------------------- parts of a script


def _script(finding: Finding, *kernels: Kernel, options: bool = True, harness: bool = True) -> Script:
    script = Script(finding.title)
    script.need("sys")
    _declare(script, finding.verdict.setting, *kernels, options=options, harness=harness)
    return script


def _declare(
    script: Script, setting: BuildSetting, *kernels: Kernel, options: bool = True, harness: bool = True
) -> None:
    """Declare the module options, the kernels, and the device or what stands in for it."""
    script.quiet()
    if options and setting.options:
        script.declare("\n".join(option_lines(setting.options)))
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


def _launched(script: Script, case: Case, setting: BuildSetting, *, suffix: str = "", bands: bool = False) -> Arguments:
    """Add the arguments of a case and its launch; ``suffix`` ends the names of the variables."""
    made = _placed(script, case, setting, suffix=suffix, bands=bands)
    script.add(_launch(case, made, setting))
    return made


def _placed(
    script: Script,
    case: Case,
    setting: BuildSetting,
    *,
    suffix: str = "",
    gradients: bool = False,
    bands: bool = False,
) -> Arguments:
    """Add the arguments of a case, whose arrays lie as the setting has it, and between ``bands`` where asked for."""
    made = arguments(case.kernel, case.launch, suffix=suffix, gradients=gradients)
    script.add(*made.lines)
    if bands or setting.layout != CONTIGUOUS:
        script.need("math")
        script.declare(PLACED)
        script.add(*(placed_line(variable, layout_of(name, setting.layout)) for name, variable in made.names.items()))
    return made


def _launch(case: Case, made: Arguments, setting: BuildSetting, *, adjoint: bool = False) -> str:
    launch, name, inputs = case.launch, case.kernel.name, ", ".join(made.inputs)
    if setting.target == "cuda-host":
        more = {
            "adjoint": adjoint or None,
            "tiled": launch.tiled or None,
            "block_dim": setting.block_dim,
            "blocks": setting.blocks,
        }
        return _wrapped(f"launch({name}, {launch.dim}, [{inputs}]{_keywords(more)})")
    dim = list(launch.dim) if launch.tiled else launch.dim[0] if len(launch.dim) == 1 else launch.dim
    block_dim = 64 if launch.tiled and setting.block_dim is None else setting.block_dim
    more = {"block_dim": block_dim, "max_blocks": setting.blocks}
    start = "launch_tiled" if launch.tiled else "launch"
    return _wrapped(f"wp.{start}({name}, dim={dim}, inputs=[{inputs}]{_keywords(more)}, device=device)")


def _keywords(values: Mapping[str, int | None]) -> str:
    """Return keyword arguments as text, without those that are None."""
    return "".join(f", {name}={value}" for name, value in values.items() if value is not None)


def _compile(kernel: Kernel, folder: str) -> str:
    # NVRTC is part of Warp: it compiles for an architecture that the machine need not have.
    return f"wp.compile_aot_module({kernel.name}.module, arch=90, module_dir={folder}, use_ptx=True)"


def _generate(kernel: Kernel, setting: BuildSetting, folder: str) -> tuple[list[str], str]:
    """Return the lines that have Warp write the text of the module into a folder, and the suffix of the file."""
    if setting.target == "cpu":
        return [f"wp.config.kernel_cache_dir = {folder}", 'wp.load_module(device="cpu")'], "cpp"
    return [_compile(kernel, folder)], "cu"


def _wrapped(line: str) -> str:
    """Return a call on one line, or, where it is too long, with its arguments on the next."""
    if len(line) <= WIDTH or "[" not in line:
        return line
    head, _, rest = line.partition("(")
    return f"{head}(\n    {rest.removesuffix(')')}\n)"


def _text_literal(text: str) -> str:
    """Return a literal of a text; of a long one in several lines, in brackets."""
    pieces = [repr(text[at : at + WIDTH - 20]) for at in range(0, len(text), WIDTH - 20)]
    return pieces[0] if len(pieces) == 1 else "(\n        " + "\n        ".join(pieces) + "\n    )"


def _array(names: Mapping[str, str], path: Path, attribute: str = "numpy()") -> str:
    """Return the expression for an array of the script; ``names`` has the variable of each parameter."""
    array = next(at for at in range(1, len(path) + 1) if ".".join(path[:at]) in names)
    fields = "".join(f'["{field}"]' for field in path[array:])
    return f"{names['.'.join(path[:array])]}.{attribute}{fields}"


def _check(label: str, wanted: str, actual: str) -> str:
    line = f'    check("{label}", {wanted}, {actual}),'
    if len(line) <= WIDTH and "\n" not in line:
        return line
    wanted = wanted.replace("\n", "\n    ")
    return f'    check(\n        "{label}",\n        {wanted},\n        {actual},\n    ),'


def _checks(
    expected: Mapping[str, Input], names: Mapping[str, str], prefix: str = "", attribute: str = "numpy()"
) -> list[str]:
    """Return a line for each array to compare."""
    return [
        _check(f"{prefix}{'.'.join(path)}", numpy_text(leaf), _array(names, path, attribute))
        for path, leaf in leaves(expected)
    ]


def _finish(script: Script, finding: Finding, checks: list[str]) -> Script:
    kinds = {leaf.dtype.kind for _, leaf in leaves(finding.expected or {})}
    script.declare(check_function(floats=not kinds or "f" in kinds, tolerance=finding.tolerance))
    if len(checks) == 1 and "\n" not in checks[0]:
        script.add(f"sys.exit(not {checks[0].strip().removesuffix(',')})")
    else:
        script.add("good = [", *checks, "]", "sys.exit(not all(good))")
    return script
