"""Hands command lines to a worker and says what is wrong with how they ended."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
from dataclasses import dataclass

from tests.paths import ROOT

MEMORY = 1500
"""MiB that a command on a small file may take."""
OURS = re.compile(r"::(?:error|warning|notice) (?:file=[^:,]*,)?title=[^:,]*::")
"""A command to GitHub's runner that the gate writes."""
UNEXPECTED = re.compile(r"Traceback \(most recent call last\)|\bunexpected [A-Z]\w+:")


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: exit code; negative for the signal that ended it, None where it did not end.
        out: what it wrote to standard output.
        err: likewise to standard error.
        peak: highest memory in MiB.
    """

    code: int | None
    out: str = ""
    err: str = ""
    peak: int = 0

    def faults(self, allowed) -> list[str]:
        """What no command may do, whatever it reads.

        Args:
            allowed: the exit codes that may be.
        """
        if self.code is None:
            return ["it hangs"]
        if self.code < 0:
            return [f"it dies of {signal.Signals(-self.code).name}"]
        found = []
        if self.code not in allowed:
            found.append(f"exit {self.code}: {self.err.strip()[-300:]!r}")
        if UNEXPECTED.search(self.err + self.out):
            found.append(f"a fault of the program: {self.err.strip()[-300:]!r}")
        if self.code and not self.err.strip():
            found.append(f"exit {self.code} without a word")
        if self.peak > MEMORY:
            found.append(f"it takes {self.peak} MiB")
        return found

    def obeyed(self) -> list[str]:
        """What a terminal or a runner of CI jobs would obey in what was written."""
        found = []
        for line in (self.out + "\n" + self.err).split("\n"):
            if line.lstrip().startswith("::") and not OURS.match(line):
                found.append(f"a command: {line[:80]!a}")
            if re.search(r"##\w*\[", line):
                found.append(f"an old command: {line[:80]!a}")
            hidden = {c for c in line if c != "\t" and not c.isprintable()}
            if hidden:
                found.append(f"{sorted(hidden)!a} in {line[:80]!a}")
        return found


class Examiner:
    """Runs command lines in a worker, which is replaced when it crashes or hangs.

    Args:
        folder: where they run.
        timeout: seconds that one may take.
        **environment: variables that are set for all.
    """

    def __init__(self, folder=ROOT, timeout=60.0, **environment):
        self._folder, self._timeout = folder, timeout
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._environment = {**os.environ, "SVT_LOG": "1", "PYTHONPATH": path, **environment}
        self._worker = None

    def run(self, *arguments) -> Ending:
        """Run ``vqa-harness`` with these arguments."""
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "tests.exam.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=self._environment,
            )
        line = json.dumps([os.fsdecode(argument) for argument in arguments]) + "\n"
        self._worker.stdin.write(line.encode())
        self._worker.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._worker.stdout, selectors.EVENT_READ)
            answered = waiting.select(self._timeout)
        answer = self._worker.stdout.readline() if answered else b""
        if answer:
            return Ending(**json.loads(answer))
        code = self._worker.wait() if answered else None
        self.close()
        return Ending(code)

    def close(self):
        """End the worker."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None
