"""Whether there is room for temporary files: without it compilers fail, or end the process, and do not tell why."""

from __future__ import annotations

import shutil
import tempfile

from kernelfuzz.toolchain.compat import UnsupportedWarp

# What the compilers write at once is less; what fails with so much left fails for another reason.
_LEAST = 16 << 20


class NoRoom(UnsupportedWarp):
    """The disk of the temporary files is full."""

    of_a_folder = True


def blame() -> None:
    """Raise NoRoom where a failure that does not tell its reason happened on a full disk."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < _LEAST:
        raise NoRoom(
            f"there is no room for the files of the compilers: {free >> 10} kB are left at {folder}. "
            "Set TMPDIR to another folder, or make room."
        )
