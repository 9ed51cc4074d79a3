"""What was asked already, on disk: a reduction that was killed goes on where it was."""

from __future__ import annotations

import contextlib
import os
import tempfile
from hashlib import blake2b


def key_of(text: str) -> str:
    """What a text is known by."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Answers:
    """Whether texts are interesting, by key; a line of a file for each, as soon as it is known.

    The first line says which reduction the file belongs to: that of another one is replaced.  A line that
    was cut off by the end of a process is left out.  Without a path, nothing is kept.
    """

    def __init__(self, path: str | None, identity: str) -> None:
        self._path = path
        self._known: dict[str, bool] = {}
        self._file = None
        if path is None:
            return
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            first, *lines = file.read().split("\n")
            if first == identity:
                self._known = {line[:32]: line[33:] == "1" for line in lines if len(line) == 34}
        # Anew, without a line that was cut off.
        text = "".join([f"{identity}\n", *[f"{key} {int(good)}\n" for key, good in self._known.items()]])
        write_whole(path, text)
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - close() closes it

    def get(self, key: str) -> bool | None:
        """The answer, or None where it is not known."""
        return self._known.get(key)

    def put(self, key: str, good: bool) -> None:
        """Remember an answer."""
        self._known[key] = good
        if self._file is not None:
            self._file.write(f"{key} {int(good)}\n")
            self._file.flush()

    def close(self, *, done: bool) -> None:
        """No more answers; the file goes where the reduction is done."""
        if self._file is not None and self._path is not None:
            self._file.close()
            if done:
                os.unlink(self._path)


def write_whole(path: str, text: str) -> None:
    """Write a file that is there whole or as it was before, whenever the process ends."""
    directory, name = os.path.split(os.path.abspath(path))
    handle, made = tempfile.mkstemp(prefix=f".{name}-", dir=directory)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(made, 0o644)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise
