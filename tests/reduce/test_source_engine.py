"""What the reduction of text promises, whatever is asked about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from minimal import is_minimal_text  # pyright: ignore[reportMissingImports]
from processes import FOREVER, Clock  # pyright: ignore[reportMissingImports]

from kernelfuzz.reduce.source import (
    Command,
    Fails,
    Limits,
    NotInteresting,
    Progress,
    measure,
    reduce_source,
)

KERNELS = """\
import math
import warp as wp

RADIUS = wp.constant(2.0)


@wp.struct
class Body:
    mass: float
    position: wp.vec3


@wp.func
def energy(mass: float, speed: float):
    # a half of it
    return 0.5 * mass * speed * speed


@wp.kernel
def fine(out: wp.array(dtype=float)):
    out[wp.tid()] = energy(1.0, RADIUS)


@wp.kernel
def broken(bodies: wp.array(dtype=Body), out: wp.array(dtype=float), n: int):
    i = wp.tid()
    if i >= n:
        return
    total = float(0.0)
    for j in range(n):
        total += energy(bodies[j].mass, 1.0)
        if total > 3.0:
            total = {defect}
    out[i] = total
"""

UNDEFINED = KERNELS.replace("{defect}", "missing(total, bodies[i].position)")
CALLS = Command("grep -q 'energy(' kernels.py", "kernels.py")


def alone(body: str) -> str:
    return f"import warp as wp\n\n\n@wp.kernel\ndef broken():\n    {body}\n"


def test_an_undefined_name() -> None:
    result = reduce_source(UNDEFINED, Fails("lowering"))
    assert result.text == alone("missing")
    assert result.minimal


def test_the_message_stays() -> None:
    """Each step leaves other undefined names behind, which are not what was asked about."""
    text = KERNELS.replace("{defect}", "wp.vec3(total, total, total) + total")
    result = reduce_source(text, Fails("lowering"))
    assert "missing" not in result.text
    assert "wp.vec3" in result.text
    assert " + " in result.text


def test_a_kernel_of_several_that_fail() -> None:
    text = UNDEFINED.replace("energy(1.0, RADIUS)", "other()")
    result = reduce_source(text, Fails("lowering", "broken"), kernel="broken")
    assert result.text == alone("missing")
    with pytest.raises(NotInteresting):
        reduce_source(UNDEFINED, Fails("lowering", "fine"), kernel="fine")


@pytest.mark.slow
def test_a_compiler_that_refuses() -> None:
    """A parameter that is named as a keyword of C++: lowered, and not compiled."""
    text = (
        "import warp as wp\n\n\n@wp.kernel(enable_backward=False)\n"
        "def k(register: int, out: wp.array(dtype=int)):\n    out[0] = register\n"
    )
    result = reduce_source(text, Fails("cpu"))
    assert result.text == "import warp as wp\n\n\n@wp.kernel\ndef k(register: int):\n    pass\n"
    with pytest.raises(NotInteresting) as said:
        reduce_source(UNDEFINED, Fails("cpu"))
    assert said.value.answer.startswith("lowering codegen: ")


def test_a_crash_is_a_signature() -> None:
    text = (
        "import os\nimport signal\nx = 1\n\n\n"
        "def die(number):\n    os.kill(os.getpid(), number)\n\n\ndie(signal.SIGSEGV)\n"
    )
    result = reduce_source(text, Fails("lowering"))
    assert "x" not in result.text
    assert "SIGSEGV" in result.text


def test_any_number_of_jobs_gives_the_same() -> None:
    one, two = [reduce_source(KERNELS, CALLS, limits=Limits(jobs=jobs)) for jobs in (1, 2)]
    assert (one.text, one.tries) == (two.text, two.tries)


def test_a_local_minimum() -> None:
    assert is_minimal_text(reduce_source(KERNELS, CALLS).text, lambda text: "energy(" in text)


def test_typed_passes_narrow_what_fits_the_ir() -> None:
    """No edit of the text changes the type of everything at once."""
    text = (
        "import warp as wp\n\n\n@wp.kernel\ndef k(a: wp.array(dtype=wp.vec4d)):\n    x = a[0] + a[1]\n    a[0] = -x\n"
    )
    result = reduce_source(text, Command("""grep -q ' = .*neg\\|= -' k.py && grep -q 'wp.array' k.py""", "k.py"))
    assert "vec4d" not in result.text


@pytest.mark.parametrize("command", ["false", "exit 7", "grep -q nothing_like_it kernels.py"])
def test_what_is_not_interesting_is_not_reduced(command: str, tmp_path: Path) -> None:
    written: list[str] = []
    state = tmp_path / "state"
    with pytest.raises(NotInteresting, match="status"):
        reduce_source(KERNELS, Command(command, "kernels.py"), on_better=written.append, state=str(state))
    assert written == []
    assert not state.exists()


def test_commands_get_the_file(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for command in (
        f"cp -t {tmp_path}",
        f'cat "$1" | tee {seen} > /dev/null',
        f"ls > {seen}",
        "test kernels.py -ef",
    ):
        # With the whole time gone, only the original is asked about.
        reduce_source("x = 1\n", Command(command, "kernels.py"), limits=Limits(seconds=60))
    assert (tmp_path / "kernels.py").exists()
    assert seen.read_text() == "kernels.py\n"


def test_the_best_so_far_only_gets_smaller() -> None:
    seen: list[Progress] = []
    written: list[str] = []
    result = reduce_source(KERNELS, CALLS, on_progress=seen.append, on_better=written.append)
    sizes = [measure(text) for text in written]
    assert written[0] == KERNELS
    assert written[-1] == result.text
    assert sizes == sorted(sizes, reverse=True)
    assert [each.tries for each in seen] == list(range(1, len(seen) + 1))


class CountingClock:
    """In the place of a module's ``time``: a second for each line of a file."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def monotonic(self) -> float:
        return float(self._log.read_bytes().count(b"\n"))


def test_a_time_limit_and_going_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried is not tried again, and the result is the one of a run in one go."""
    log, state = tmp_path / "log", tmp_path / "state"
    log.write_text("")
    command = Command(f"echo >> {log}; grep -q 'energy(' kernels.py", "kernels.py")
    whole = reduce_source(KERNELS, command)
    asked = log.read_text().count("\n")
    log.write_text("")
    for module in ("task_queue", "workers", "reduce.search", "reduce.source.reduce_text"):
        monkeypatch.setattr(f"kernelfuzz.{module}.time", CountingClock(log))
    runs = 0
    while not (result := reduce_source(KERNELS, command, limits=Limits(seconds=asked // 4), state=str(state))).minimal:
        runs += 1
        assert state.exists()
        assert runs < 100
    assert (result.text, result.tries) == (whole.text, whole.tries)
    assert runs > 0
    # The original is asked about in each run, and what a run was at when its time was over.
    assert asked <= log.read_text().count("\n") <= asked + 2 * runs
    assert not state.exists()


def test_a_command_that_hangs_is_not_interesting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = tmp_path / "hung"
    hang = f"touch {hung}; sleep {FOREVER}"
    command = Command(f"if grep -q y a.py; then grep -q x a.py; else {hang}; fi", "a.py")
    monkeypatch.setattr("kernelfuzz.work_clock.time", Clock(hung.exists))
    assert reduce_source("x\ny\n", command, limits=Limits(timeout=2)).text == "x\ny\n"
    assert hung.exists()
