"""Starts commands, sends them signals, and looks for what is left behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 60.0
"""Seconds for a command to end after a signal, on a machine that does other things too."""
GONE_WITHIN = 10.0
"""Seconds in which processes have to end after the one that started them has."""


@dataclass
class Command:
    """A running command, which and whose children carry a mark in their environment.

    Attributes:
        arguments: of ``vqa-harness``.
        folder: where it runs and writes; its temporary files go to the folder ``tmp`` in it.
    """

    arguments: list[str]
    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self):
        """Start it and wait for the first moment at which it listens to signals."""
        self.temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vqa_harness", *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self.folder,
            env=os.environ
            | {"TMPDIR": str(self.temporary), "VQA_EXAM_MARK": self.mark, "SVT_LOG": "1"},
        )
        until = time.monotonic() + PATIENCE
        while not self._listens():
            assert self.process.poll() is None, "it ends before it listens to signals"
            assert time.monotonic() < until, "it does not listen to signals"
            time.sleep(0.001)
        return time.monotonic()

    def _listens(self):
        """Whether it has a handler for SIGTERM, which Python itself has not."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1

    @property
    def temporary(self):
        return self.folder / "tmp"

    def send(self, number):
        """Send a signal: Ctrl-C as a terminal does, to the children as well; others to it alone."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def end(self, patience=PATIENCE):
        """Its exit code, standard output and standard error, once nobody holds them open."""
        try:
            out, err = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            held = self.process.poll() is not None
            self.clean()
            self.process.communicate()
            raise AssertionError(
                "standard output is held open by a child" if held else "it does not end"
            ) from None
        return self.process.returncode, out.decode(), err.decode()

    def left(self):
        """Command lines of processes that outlive it."""
        until = time.monotonic() + GONE_WITHIN
        while (found := self._marked()) and time.monotonic() < until:
            time.sleep(0.1)
        return list(found.values())

    def clean(self):
        """End whatever is left of it."""
        for number in self._marked():
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _marked(self):
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if line:  # else it has ended, and nobody has asked for its exit code
                        found[int(folder.name)] = line
            except OSError:
                continue
        return found


def leftovers(folder):
    """Temporary files and folders below a command's folder."""
    found = {*folder.rglob(".*.part"), *folder.rglob("*.tmp"), *(folder / "tmp").iterdir()}
    return sorted(str(path.relative_to(folder)) for path in found)
