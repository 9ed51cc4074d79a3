"""``kernelfuzz lower``: the code that Warp generates for anybody's kernels."""

from __future__ import annotations

import base64
import json
import os
import sys
import tokenize
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    FINDINGS,
    INFRASTRUCTURE,
    UNAVAILABLE,
    USAGE,
    Problem,
    json_option,
    language_of,
    module_text,
    say,
    show_code,
    timeout_option,
)
from kernelfuzz.cli.named_kernels import found, is_named
from kernelfuzz.devices import BUILT_FROM, DEVICES, BuildTarget

if TYPE_CHECKING:
    from kernelfuzz.toolchain import Artifact, Failure, Lowering


@dataclass(frozen=True, slots=True)
class Request:
    """What the worker process is asked for."""

    source: str
    directory: str
    package: str
    device: Any
    kernel: str | None
    backward: bool
    target: Any
    arch: int
    named: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it did: a failure of the lowering or of the build, or both results."""

    lowering: Lowering | Failure
    artifact: Artifact | Failure | None


def answer(request: Request) -> Answer:
    """Run the module code, lower it and build it.  For a worker process only."""
    from kernelfuzz.toolchain import Failure, build, lower, lower_kernel

    if request.named:
        lowering = lower_kernel(found(request.named), request.device, backward=request.backward)
    else:
        sys.path.insert(0, request.directory)
        lowering = lower(
            request.source,
            request.device,
            backward=request.backward,
            kernel=request.kernel,
            package=request.package,
        )
    if isinstance(lowering, Failure) or request.target is None:
        return Answer(lowering, None)
    return Answer(lowering, build(lowering, request.target, request.arch))


@click.command("lower", short_help="The code that Warp generates for a file of yours.")
@click.argument("file")
@click.option("--kernel", metavar="NAME", help="Only this kernel. Default: all of the file.")
@click.option("--device", type=click.Choice(DEVICES), help="Default: cpu, or what --build needs.")
@click.option("--no-backward", is_flag=True, help="Leave the adjoints out.")
@click.option(
    "--scope",
    type=click.Choice(("kernel", "module")),
    default="kernel",
    show_default=True,
    help="The kernels with what they need, or the whole text that Warp compiles.",
)
@click.option(
    "--build",
    "target",
    type=click.Choice(tuple(BUILT_FROM)),
    help="Compile it, with the compilers that Warp brings, and print the result; no GPU is needed.",
)
@click.option("--arch", type=click.IntRange(min=1), help="For ptx and cubin. Default: 90, which is sm_90.")
@click.option("--output", metavar="FILE", help="Write to FILE instead of stdout.")
@json_option()
@timeout_option(60.0, "When to give up.")
def lower(file: str, scope: str, output: str | None, as_json: bool, timeout: float, **asked: Any) -> None:
    """Print the code that Warp generates for the kernels of a Python file, or for one kernel of a module.

    FILE may be PACKAGE.MODULE:KERNEL: the module is imported, and its kernel is lowered as it is, with what it
    captures. The module code of FILE is run, in a process of its own that is killed after --timeout seconds. That
    protects this command from a crash or a hang; it is no sandbox, so give it only files that you would run.

    \b
    Examples:
      kernelfuzz lower kernels.py --kernel add --device cuda
      kernelfuzz lower kernels.py --build ptx --arch 90 --output kernels.ptx
      kernelfuzz lower warp.examples.core.example_sph:kick
    """
    target, arch, kernel = asked["target"], asked["arch"], asked["kernel"]
    device = _device(asked["device"], target)
    if arch is not None and target not in ("ptx", "cubin"):
        raise click.UsageError("--arch goes with --build ptx or --build cubin")
    binary = target in ("cpu", "cubin") and not as_json
    if output is not None and os.path.exists(output) and os.path.samefile(output, file):
        raise Problem(f"--output is {file} itself, which is kept: give another path.", USAGE)
    if binary and output is None and sys.stdout.isatty():
        raise click.UsageError(f"--build {target} makes binary data: give --output FILE")
    named = file if is_named(file) else ""
    if named and kernel is not None:
        raise click.UsageError("--kernel goes with a file: PACKAGE.MODULE:KERNEL names the kernel")
    source = "" if named else read_source(file)
    backward = not asked["no_backward"]
    request = Request(source, *home_of(file), device, kernel, backward, target, 90 if arch is None else arch, named)
    lowering, artifact = _checked(_ask(request, file, timeout), file, kernel)
    if as_json:
        data: str | bytes = json.dumps(_as_dict(lowering, artifact)) + "\n"
    elif artifact is not None:
        data = artifact.data
    else:
        data = lowering.module if scope == "module" else module_text(lowering)
    _write(data, output, None if as_json or artifact else language_of(device))


def _device(device: str | None, target: BuildTarget | None) -> str:
    if target is None:
        return device or "cpu"
    needed = BUILT_FROM[target]
    if device not in (None, needed):
        raise click.UsageError(f"--build {target} is built from the code for {needed}: drop --device {device}")
    return needed


def home_of(file: str) -> tuple[str, str]:
    """The directory that a file imports from, and the package that it is in: empty where it is in none.

    As ``python FILE`` has it; for a file of a package as ``python -m PACKAGE.FILE`` does.
    """
    directory, package = os.path.dirname(os.path.abspath(file)), ""
    while os.path.isfile(os.path.join(directory, "__init__.py")):
        directory, name = os.path.split(directory)
        package = f"{name}.{package}" if package else name
    return directory, package


def read_source(file: str) -> str:
    try:
        with tokenize.open(file) as stream:
            return stream.read()
    except (SyntaxError, UnicodeDecodeError):
        raise Problem(f"{file} is not Python: it cannot be decoded as text.", USAGE) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Problem(f"cannot read {file} ({reason}): give the path of a Python file.", USAGE) from None


def _ask(request: Request, file: str, timeout: float) -> Answer:
    from kernelfuzz import workers

    try:
        return workers.call(answer, request, timeout=timeout)
    except LookupError as error:
        raise Problem(f"{error.args[0]}.", USAGE) from None
    except workers.WorkerTimeout as error:
        raise Problem(
            f"the process that ran {file} {error} and was killed; --timeout gives it more time.",
            INFRASTRUCTURE,
        ) from None
    except workers.WorkerError as error:
        raise Problem(f"the process that ran {file} {error}.", INFRASTRUCTURE) from None


def _checked(answer: Answer, file: str, kernel: str | None) -> tuple[Lowering, Artifact | None]:
    """The results.  Raises Problem where there are none."""
    from kernelfuzz.toolchain import Failure

    lowering, artifact = answer.lowering, answer.artifact
    if isinstance(lowering, Failure):
        raise _rejected(lowering, file)
    if isinstance(artifact, Failure):
        if artifact.kind == "unsupported":
            raise Problem(f"{artifact.message}.", UNAVAILABLE)
        raise Problem(f"the code generated for {file} does not compile:\n{artifact.message}", FINDINGS)
    return lowering, artifact


def _rejected(failure: Failure, file: str) -> Problem:
    where = file if failure.line is None else f"{file}, line {failure.line}"
    match failure.kind:
        case "syntax":
            return Problem(f"{where}: this is not Python: {failure.message}.", USAGE)
        case "codegen" if failure.message.startswith(("ImportError:", "ModuleNotFoundError:")):
            return Problem(f"{where}: the file cannot be imported: {failure.message}.", USAGE)
        case "empty" | "unsupported":
            return Problem(f"{where}: {failure.message}.", USAGE)
        case _:
            quoted = f"\n    {failure.source_line}" if failure.source_line else ""
            return Problem(f"{where}: Warp generates no code: {failure.message}{quoted}", FINDINGS)


def _as_dict(lowering: Lowering, artifact: Artifact | None) -> dict[str, object]:
    result: dict[str, object] = {
        "device": lowering.device,
        "backward": lowering.backward,
        "kernels": [{**asdict(kernel), "arg_types": dict(kernel.arg_types)} for kernel in lowering.kernels],
        "module": lowering.module,
        "options": {name: _plain(value) for name, value in lowering.options.items()},
        "warp_seconds": round(lowering.warp_seconds, 4),
    }
    if artifact is not None:
        text = artifact.target == "ptx"
        data = artifact.data.decode() if text else base64.b64encode(artifact.data).decode()
        result["artifact"] = {
            "target": artifact.target,
            "arch": artifact.arch,
            "encoding": "text" if text else "base64",
            "data": data,
            "seconds": round(artifact.seconds, 4),
        }
    return result


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _write(data: str | bytes, output: str | None, language: str | None) -> None:
    if output is not None:
        try:
            with open(output, "wb") as file:
                file.write(data if isinstance(data, bytes) else data.encode())
        except OSError as error:
            reason = error.strerror or str(error)
            raise Problem(f"cannot write {output} ({reason}): give --output another file.", USAGE) from None
        say(f"wrote {output}.")
    elif isinstance(data, bytes):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif language is None:
        click.echo(data, nl=False)
    else:
        show_code(data, language)
