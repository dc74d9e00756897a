"""A headless Chromium, driven over a pipe with its DevTools protocol."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time

CHROMIUM = next((p for n in ("chromium", "google-chrome") if (p := shutil.which(n))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
]
START = """import fcntl, os, sys
pipes = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for fd, pipe in zip((3, 4), pipes):  # where Chromium looks for them
    os.dup2(pipe, fd)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, folder):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        wrapper = [sys.executable, "-c", START, str(commands), str(answers)]
        self._process = subprocess.Popen(
            [*wrapper, CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest, self._count, self._session, self.events = b"", 0, None, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        until = time.monotonic() + 60
        while b"\0" not in self._rest:
            left = max(0.0, until - time.monotonic())
            assert select.select([self._from], [], [], left)[0], "Chromium does not answer"
            some = os.read(self._from, 1 << 20)
            assert some, "Chromium ended"
            self._rest += some
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def open(self, path, width, scheme="light", *, height=900):
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=wanted)
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self.methods():
            self.events.append(self._read())
        self.settle()

    def settle(self):
        self.js("new Promise((done) => setTimeout(done, 250))")

    def js(self, text):
        found = self.call(
            "Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition):
        until = time.monotonic() + 20
        while not self.js(condition):
            assert time.monotonic() < until, f"never true: {condition}"
            self.settle()

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, name):
        """Press a key as a person does; ``name`` is what JavaScript calls it."""
        codes = {"Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}
        number = codes.get(name) or ord(name.upper())
        text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            press = {"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": number}
            if kind == "keyDown" and text:
                press["text"] = text
            self.call("Input.dispatchKeyEvent", **press)

    def picture(self, *, whole=False):
        """The page as a PNG: what is seen, or all of it without scrolling."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def methods(self):
        return [event.get("method") for event in self.events]

    def complaints(self):
        loud = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event.get("method") in loud]

    def requests(self):
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        urls = [event["params"]["request"]["url"] for event in sent]
        return [url for url in urls if not url.startswith("data:")]

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)
