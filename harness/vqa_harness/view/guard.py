"""Lets only those ask who were given the address, and says to browsers what the page may do.

Any page that a browser shows can send requests to this machine's ports. Therefore each path begins
with a secret, the host must be the one that was opened (so that no other name can be made to point
here), and what changes something must come from the page itself.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 16 << 20
"""Bytes of the largest body of a request."""
MOST_AT_ONCE = 24
"""Most requests that are answered at the same time."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer."""


class Guard:
    """Wraps the application.

    Args:
        app: the application; it sees paths without the secret.
        token: the secret.
        port: where the server listens.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        path = scope["path"].removeprefix(f"/{self._token}")
        inner = {**scope, "path": path, "raw_path": path.encode("utf-8", "replace")}
        self._running += 1
        try:
            await self._app(inner, _bounded(receive), _with_headers(send))
        finally:
            self._running -= 1

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason of a request that is not answered; None for one that is."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if host not in self._hosts:
            return 421, "this server answers to 127.0.0.1 only"
        given = scope["path"][1:].partition("/")[0]
        if not secrets.compare_digest(given.encode("utf-8", "replace"), self._token.encode()):
            return 404, "open the address that vqa-harness view printed"
        if scope["method"] not in ("GET", "HEAD"):
            if headers.get(b"origin") != f"http://{host}":
                return 403, "only the page itself may change something"
            if headers.get(b"content-type", "").partition(";")[0] != "application/json":
                return 415, "send JSON"
        elif headers.get(b"sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "only the page itself may ask for this"
        if self._running >= MOST_AT_ONCE:
            return 503, "too many requests at once; ask again"
        return None


def _bounded(receive: Receive) -> Receive:
    from starlette.exceptions import HTTPException

    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BODY:
            raise HTTPException(413, f"a request may have at most {MOST_BODY} bytes")
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await _with_headers(send)(start)
    await send({"type": "http.response.body", "body": body})
