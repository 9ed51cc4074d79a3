"""The script that shows what is wrong with a program: it needs Warp and numpy, prints what is expected and what
Warp gives, and exits 1 where the bug is present and 0 where it is fixed.
"""

from __future__ import annotations

from kernelfuzz.ir.array_text import numpy_text
from kernelfuzz.ir.launch import flattened
from kernelfuzz.ir.program import Program
from kernelfuzz.programs.expectation import expectation
from kernelfuzz.programs.judge_program import options
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.programs.text import program_text

# What derivatives over float64 may be off by rounding, relative to the largest.
_ROUNDING = 1e-6

_OBSERVE = '''\
import sys

# What must be observed, and how far it may be off; 0.0: to the bit.
expected = {expected}
bound = {bound!r}
good = True


def observe(label, array):
    """Compare an array with what it must hold."""
    global good
    if label not in expected:
        return
    actual, wanted = array.numpy(){field}, np.array(expected[label])
    with np.errstate(all="ignore"):
        close = np.abs(actual - wanted) <= bound * np.max(np.abs(wanted), initial=1.0)
        same = (actual == wanted) & (np.signbit(actual * 1.0) == np.signbit(wanted * 1.0))
        agree = same | (close & (bound > 0.0)) | ((actual != actual) & (wanted != wanted))
    good = good and bool(agree.all())
    print(f"{{label}}: expected: {{wanted.tolist()}}   actual: {{actual.tolist()}}")
'''

_PLAIN = '''\
def observe(label, array):
    """Nothing is compared."""
'''

_RUNS = '''\
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FIRST = r"""
{first}"""

SECOND = {second}

with tempfile.TemporaryDirectory() as folder:
    cache, script = Path(folder, "cache"), Path(folder, "program.py")
    environment = {{**os.environ, "WARP_CACHE_PATH": str(cache)}}
    status, entries = [], []
    for text in {texts}:
        script.write_text(text)
        status.append(subprocess.run([sys.executable, str(script)], env=environment).returncode)
        entries.append({{path.name for path in cache.iterdir()}})
    good = {good}
    print("expected: {wanted}   actual:", "that" if good else f"exit {{status[-1]}}, {{len(entries[-1])}} modules")
sys.exit(not good)
'''


def script(program: Program, verdict: ProgramVerdict, title: str) -> str:
    """The text of the script.  Raises ValueError for a verdict that is not one of a failure."""
    if verdict.status != "failed":
        raise ValueError(f"a script needs a failed verdict, got {verdict.status}")
    head = f'"""{title}\n\nExits 1 where the bug is present and 0 where it is fixed.\n"""\n\n'
    cold = verdict.run == "cold cache"
    if verdict.mismatch is not None and cold:
        return head + _compared(program, verdict) + "\nsys.exit(not good)\n"
    first = _PLAIN + "\n\n" + program_text(program, options())
    second, texts, good, wanted = '""', "(FIRST,)", "status[0] == 0", "the program ends"
    if verdict.mismatch is not None:
        changed = verdict.edited or program
        second = f'r"""\n{_compared(changed, verdict)}\nsys.exit(not good)\n"""'
        texts, good, wanted = "(FIRST, SECOND)", "status[1] == 0", "what the second program computes"
    elif not cold:
        texts = "(FIRST, FIRST)"
        good, wanted = "entries[0] == entries[1] and status[1] == 0", "nothing is built again"
        if verdict.edited is not None:
            edited = _PLAIN + "\n\n" + program_text(verdict.edited, options())
            second, texts = f'r"""\n{edited}"""', "(FIRST, SECOND)"
            good, wanted = "status[1] == 0", "the program ends"
    return head + _RUNS.format(first=first, second=second, texts=texts, good=good, wanted=wanted)


def _compared(program: Program, verdict: ProgramVerdict) -> str:
    """The text of the program, which compares what is wrong."""
    assert verdict.mismatch is not None
    label, _, path = verdict.mismatch.output.partition(".")
    known = expectation(program)
    wanted = {**known.values, **known.gradients}[label]
    leaf = flattened({label: wanted})[verdict.mismatch.output]
    observe = _OBSERVE.format(
        expected=f"{{{label!r}: {numpy_text(leaf)}}}",
        bound=_ROUNDING if label in known.gradients else 0.0,
        field="".join(f"[{part!r}]" for part in path.split(".") if part),
    )
    numpy = "import numpy as np\n"
    return f"{numpy}{observe}\n\n{program_text(program, options()).removeprefix(numpy)}"
