"""The README's commands as a new user gives them: a fresh clone, a new folder, an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from ops.embedded.process import spawn
from tests.e2e.running import ROOT, wait_for

KEPT = ("HOME", "PATH", "PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "SSL_CERT_FILE")
"""What a shell and a company's package mirror need; nothing of this project."""


def tour() -> list[str]:
    """The commands of the README's tour."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [line.split("#")[0].strip() for line in re.findall(r"^\.venv/bin/compound .*$", text, re.MULTILINE)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone without anything that was made here."""
    folder = tmp_path / "a new folder"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.mark.timeout(1800)
def test_the_readme_as_a_new_user(clone: Path) -> None:
    """`make up`, the tour beside it, Ctrl-C; a second start goes on."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    for number in range(2):
        said = clone / f"up-{number}.out"
        up = spawn(["make", "up", "ARGS=--history 1"], log=said, death_signal=signal.SIGTERM, env=env, cwd=clone)
        try:
            wait_for(lambda: "Ctrl-C stops" in said.read_text() or up.poll() is not None, 420)  # noqa: B023
            assert up.poll() is None, said.read_text()
            for command in tour():
                args = [*command.split(), "--once"] if "watch" in command else command.split()
                done = subprocess.run(args, cwd=clone, env=env, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        finally:
            os.killpg(up.pid, signal.SIGINT)
            up.wait(90)
        assert "nothing is lost" in said.read_text()
    shutil.rmtree(clone)
