"""Run HypoFuzz on test_codegen.py for a while, and check that it traced Warp's code generator.

    python -m venv fuzzing && fuzzing/bin/pip install '.[test]' hypofuzz
    fuzzing/bin/python examples/hypofuzz/fuzz.py --seconds 120

Exits with 1 where no line of the code generator was traced (or no kernel was drawn yet), and with 3 where
the test fails, or HypoFuzz ended by itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOTHING_TRACED, USAGE, ENDED = 1, 2, 3


def main() -> int:
    parser = argparse.ArgumentParser(description="HypoFuzz on kernels, for a bounded time.")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--directory", type=Path, default=Path("hypofuzz"), help="for its database")
    options = parser.parse_args()
    if importlib.util.find_spec("hypofuzz") is None:
        print("hypofuzz is not installed: pip install hypofuzz in a virtual environment.", file=sys.stderr)
        return USAGE
    options.directory.mkdir(parents=True, exist_ok=True)
    lines = options.directory.resolve() / "traced-lines.txt"
    lines.unlink(missing_ok=True)
    # HypoFuzz gives up where its process takes more than a minute to start, as it may when nothing has been
    # loaded before; and a test that fails anyway is none to fuzz.
    test = str(HERE / "test_codegen.py")
    tried = subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=options.directory, stdout=sys.stderr)
    if tried.returncode != 0:
        return ENDED
    hypothesis = str(Path(sys.executable).with_name("hypothesis"))
    command = [hypothesis, "fuzz", "--numprocesses", "1", "--no-dashboard", "--"]
    command += ["-p", "traced", test]
    path = os.pathsep.join(each for each in (str(HERE), os.environ.get("PYTHONPATH")) if each)
    environment = {**os.environ, "TRACED_LINES": str(lines), "PYTHONPATH": path}
    output = options.directory / "output.txt"
    with output.open("w") as said:
        # Of a session of its own: it starts processes, and all of them must end.
        fuzzer = subprocess.Popen(
            command,
            cwd=options.directory,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            fuzzer.wait(options.seconds)
        except subprocess.TimeoutExpired:
            pass
        else:
            print(f"{output.read_text()}HypoFuzz ended by itself, with {fuzzer.returncode}.", file=sys.stderr)
            return ENDED
        finally:
            if fuzzer.poll() is None:
                os.killpg(fuzzer.pid, signal.SIGKILL)
                fuzzer.wait()
    count = len(lines.read_text().split()) if lines.exists() else 0
    print(f"{count} lines of Warp's code generator were traced")
    return 0 if count else NOTHING_TRACED


if __name__ == "__main__":
    sys.exit(main())
