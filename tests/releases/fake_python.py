"""A stand-in for a Python interpreter: makes environments of nothing, lists releases, and keeps a log."""

from __future__ import annotations

from pathlib import Path

_SCRIPT = """\
#!/bin/sh
echo "$*" >> {log}
case "$*" in
    *"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
    *"pip install"*9.9.9*)
        echo "ERROR: Could not find a version" >&2
        echo "ERROR: No matching distribution found for warp-lang==9.9.9" >&2
        exit 1 ;;
    *"pip install"*) sleep 0.3 ;;
    *"pip index"*) echo "warp-lang (1.19.0)"; echo "Available versions: {releases}" ;;
    *) echo '{about}' ;;
esac
"""

ABOUT = '{"warp": "1.18.0", "missing": []}'
RELEASES = "1.19.0, 1.18.0, 1.14.0rc1, 1.10.1, 1.10.0, 1.9.1"


def fake_python(directory: Path, *, about: str = ABOUT, releases: str = RELEASES) -> tuple[str, Path]:
    """The path of an interpreter that says ``about`` about itself, and of the log of how it was called."""
    log, script = directory / "log", directory / "python"
    script.write_text(_SCRIPT.format(log=log, about=about, releases=releases))
    script.chmod(0o755)
    log.touch()
    return str(script), log
