"""Files are the old or the new one, whole: when the program is killed, when the disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checking import killed
from tests.cli.running import Program

posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")
CONFIG = '[[entry]]\nname = "a"\nnetwork = "3x3"\nparams = "<= 1M"\n'
OLD = "convcalc-baseline.json"


@posix
def test_a_killed_run_leaves_the_old_or_the_new_file() -> None:
    """A short run of `python -m tests.checking.killed`: every step, before and after."""
    outcomes = killed.run(20, seed=1, by_clock=False, entries=9)
    assert not any("DAMAGED" in outcome or "OTHER" in outcome for outcome in outcomes)
    at_steps = {outcome for outcome in outcomes if outcome.startswith("at a step")}
    assert at_steps >= {"at a step: old", "at a step: new",
                        "at a step: old, a temporary file beside it"}  # fmt: skip


@posix
def test_a_damaged_file_would_be_seen(tmp_path: Path) -> None:
    bench = killed.Bench(tmp_path, entries=9)
    assert bench.outcome(0) == "old"
    bench.baseline.write_bytes(bench.new[0])
    assert bench.outcome(0) == "new"
    bench.baseline.write_bytes(bench.new[2])
    assert bench.outcome(0) == "DAMAGED"
    (tmp_path / "half").write_bytes(b"")
    assert bench.outcome(0) == "OTHER FILES"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    """A configuration and its baseline; then the network has changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text(CONFIG)
    assert program("check", "--save-baseline").code == 0
    (tmp_path / "convcalc.toml").write_text(CONFIG.replace("3x3", "5x5"))
    return tmp_path


@pytest.mark.parametrize("step", ["fsync", "fdopen", "open"])
@pytest.mark.parametrize("option", ["--save-baseline", "--update"])
def test_a_full_disk_leaves_the_old_file(
    project: Path, program: Program, monkeypatch: pytest.MonkeyPatch, step: str, option: str
) -> None:
    before = (project / OLD).read_bytes()

    def full(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, step, full)
        ran = program("check", option)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: cannot write '")
    assert ran.err.endswith(f"{OLD}': No space left on device\n")
    assert (project / OLD).read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == [OLD, "convcalc.toml"]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
from convcalc.cli.main import main
sys.exit(main(["check", "--save-baseline"]))
"""


@posix
def test_a_file_that_may_not_grow_leaves_the_old_one(project: Path) -> None:
    """The system itself refuses to write more than 100 bytes."""
    before = (project / OLD).read_bytes()
    command = [sys.executable, "-c", LIMITED]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {k: v for k, v in environment.items() if not k.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment,
                          check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.endswith(f"{OLD}': File too large\n")
    assert (project / OLD).read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == [OLD, "convcalc.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device_is_one_message(project: Path, program: Program) -> None:
    ran = program("check", "--output", "/dev/full")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: cannot write '/dev/full': No space left on device\n"


@posix
def test_files_that_are_none(project: Path, program: Program) -> None:
    """Folders and pipes are refused, and nobody waits for a pipe."""
    os.mkfifo(project / "pipe.toml")
    (project / "folder.json").mkdir()
    for arguments in (
        ("check", "--config", "pipe.toml"),
        ("check", "--baseline", "folder.json"),
        ("check", "--save-baseline", "folder.json"),
        ("check", "--save-baseline", "no/such/folder.json"),
    ):
        ran = program(*arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert ran.err.count("error: ") == 1


@posix
def test_a_written_baseline_keeps_its_mode(project: Path, program: Program) -> None:
    (project / OLD).chmod(0o640)
    assert program("check", "--update").code == 0
    assert (project / OLD).stat().st_mode & 0o777 == 0o640
