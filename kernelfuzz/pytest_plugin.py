"""The pytest plugin: ``pytest --hypothesis-profile=corpus`` writes the kernels that pass to a corpus.

pytest loads it wherever kernelfuzz is installed, so without the profile it imports nothing and does nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kernelfuzz.corpus.directory import Store
    from kernelfuzz.corpus.recording import Published, Recorded, Recorder, Wanted

_PROFILE = "corpus"

# The attribute of a report that holds the outcomes of the test's kernels: xdist sends it to the controller.
_ATTRIBUTE = "kernelfuzz"

_OPTIONS: dict[str, dict[str, Any]] = {
    "--corpus-dir": {
        "metavar": "DIR",
        "help": "The folder of the corpus that kernels are added to (default: corpus).",
    },
    "--corpus-device": {
        "action": "append",
        "choices": ("cpu", "cuda"),
        "help": "A device to have code for (default: both). Repeatable.",
    },
    "--corpus-format": {
        "choices": ("jsonl", "json", "parquet"),
        "help": "Compressed JSON lines, one JSON file for each pair, or Parquet (default: jsonl).",
    },
    "--corpus-max-examples": {
        "type": int,
        "metavar": "N",
        "help": "How many examples each test gets that does not say so itself (default: 200).",
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of which belong to the profile."""
    group = parser.getgroup("kernelfuzz", "kernelfuzz, with --hypothesis-profile=corpus")
    for name, option in _OPTIONS.items():
        group.addoption(name, **option)


def _option(config: pytest.Config, name: str) -> Any:
    return config.getoption(name.lstrip("-").replace("-", "_"))


# First, because Hypothesis loads the profile in its own.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start recording, where the profile is on."""
    if config.getoption("hypothesis_profile", None) != _PROFILE:
        for name in _OPTIONS:
            if _option(config, name) is not None:
                raise pytest.UsageError(f"{name} has no meaning without --hypothesis-profile={_PROFILE}")
        return
    config.pluginmanager.register(_started(config), "kernelfuzz-corpus")


def _started(config: pytest.Config) -> _Recording:
    examples = _option(config, "--corpus-max-examples")
    if examples is not None and examples < 1:
        raise pytest.UsageError(f"--corpus-max-examples must be 1 or more, and is {examples}")
    try:
        from kernelfuzz import profiles
        from kernelfuzz.corpus.directory import WrongCorpus
        from kernelfuzz.corpus.recording import Recorder, Wanted, opened
        from kernelfuzz.toolchain.compat import UnsupportedWarp
        from kernelfuzz.toolchain.control import require_lowering
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "kernelfuzz":
            raise
        raise pytest.UsageError(
            f"--hypothesis-profile={_PROFILE} needs {error.name}, which is not installed: "
            "it comes with kernelfuzz[corpus], in a checkout by pip install '.[corpus]'"
        ) from None
    profiles.register(examples or profiles.MAX_EXAMPLES)
    chosen = _option(config, "--corpus-device") or ("cpu", "cuda")
    wanted = Wanted(
        directory=Path(config.invocation_params.dir, _option(config, "--corpus-dir") or "corpus"),
        devices=tuple(device for device in ("cpu", "cuda") if device in chosen),
        format=_option(config, "--corpus-format") or "jsonl",
    )
    worker = getattr(config, "workerinput", {}).get("workerid")
    try:
        # Once for all workers.
        if worker is None:
            require_lowering(wanted.devices)
        store = opened(wanted)
    except UnsupportedWarp as error:
        raise pytest.UsageError(str(error)) from None
    except WrongCorpus as error:
        raise pytest.UsageError(str(error)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise pytest.UsageError(f"cannot write in {wanted.directory} ({reason}): give another --corpus-dir") from None
    return _Recording(wanted, store, Recorder(wanted, store.shards, worker or "main"), worker is not None)


class _Recording:
    """The hooks that record, and make the corpus at the end."""

    def __init__(self, wanted: Wanted, store: Store, recorder: Recorder, is_worker: bool) -> None:
        self._wanted = wanted
        self._store = store
        self._recorder = recorder
        self._is_worker = is_worker
        self._recorded: dict[str, Recorded] = {}
        # Of the whole session.
        self._tests: set[str] = set()
        self._rejected: dict[tuple[str, str], str] = {}
        self._problem = ""
        self._published: Published | None = None

    # Last, because the wrappers of the other plugins prepare what Hypothesis runs.
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with self._recorder.watching(getattr(item, "obj", None)) as recorded:
            yield
        self._recorded[item.nodeid] = recorded

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome: Any = yield
        recorded = self._recorded.pop(item.nodeid, None)
        if recorded is not None:
            setattr(outcome.get_result(), _ATTRIBUTE, asdict(recorded))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        recorded: dict[str, Any] | None = getattr(report, _ATTRIBUTE, None)
        if recorded is None:
            return
        if recorded["kernels"]:
            self._tests.add(report.nodeid)
        for each in recorded["rejected"]:
            message = " ".join(f"{report.nodeid} on {each['device']}: {each['kind']}: {each['message']}".split())
            self._rejected.setdefault((each["id"], each["device"]), message)
        self._problem = self._problem or recorded["problem"]

    # Last, because then the workers are down.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._recorder.close()
        if self._is_worker:
            return
        from kernelfuzz.corpus.recording import publish
        from kernelfuzz.corpus.shard import Damaged

        try:
            self._published = publish(self._wanted, self._store)
        except (Damaged, OSError) as error:
            self._problem = f"{self._wanted.directory} could not be made ({error})"
        if self._problem and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("kernelfuzz corpus")
        for line in self._summary():
            terminalreporter.line(line)

    def _summary(self) -> Iterator[str]:
        directory = self._wanted.directory
        if self._published is None:
            yield f"no kernel passed a test: nothing is written to {directory}"
        else:
            manifest = self._published.manifest
            rows = sum(sum(devices.values()) for devices in manifest["rows"].values())
            yield (
                f"{rows} rows of {manifest['kernels']} kernels in {directory}; {self._published.added} rows "
                f"are new, from {len(self._tests)} tests"
            )
        if self._rejected:
            first = next(iter(self._rejected.values()))
            yield f"{len(self._rejected)} rows are missing, the first of {first}"
        if self._problem:
            yield f"ERROR: {self._problem}"
