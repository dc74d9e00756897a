"""The server of a session: routes, and the one place where errors become answers."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from vqa_harness.errors import InputError, MissingBackend, UsageError, VqaError, one_line
from vqa_harness.installation import pip_install
from vqa_harness.report.write import asset
from vqa_harness.view.answers import Answers, NotYet
from vqa_harness.view.encodes import Encode
from vqa_harness.view.guard import Guard

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp

HOST = "127.0.0.1"
"""The only address that is listened to."""
TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
OWN = (
    "index.html", "view.css", "main.js", "api.js", "state.js", "stage.js", "timeline.js",
    "loupe.js", "lists.js", "keys.js", "page.js", "icon.svg",
)  # fmt: skip
"""Files of the page."""
SHARED = {
    "uplot.js": "uplot/uPlot.iife.min.js",
    "uplot.css": "uplot/uPlot.min.css",
    "report.css": "report.css",
}
"""Files of the page that reports have as well."""


def require_server() -> None:
    """Check that pages can be served.

    Raises:
        MissingBackend: starlette or uvicorn is not installed.
    """
    try:
        import starlette
        import uvicorn  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingBackend(
            f"view needs starlette and uvicorn; {pip_install('vqa-harness[view]')}"
        ) from None
    del starlette


def application(answers: Answers, token: str, port: int) -> ASGIApp:
    """The application for an ASGI server.

    Args:
        answers: what is answered.
        token: the first part of every path.
        port: where the server listens.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    page = {name: (files(__package__) / "assets" / name).read_bytes() for name in OWN}
    page |= {name: asset(of).encode() for name, of in SHARED.items()}

    async def index(_: Request) -> Response:
        return _file("index.html", page)

    async def part(request: Request) -> Response:
        return _file(request.path_params["name"], page)

    of = "/encodes/{encode:int}"
    pair = of + "/pairs/{pair:int}"
    routes = [
        Route("/", index),
        Route("/page/{name}", part),
        _route("/session", lambda _, __: answers.session()),
        _route(f"{of}/scores", lambda r, _: answers.scores(_encode(r))),
        _route(
            of + "/values/{feature:int}",
            lambda r, _: answers.values(_encode(r), r.path_params["feature"]),
        ),
        _route(f"{of}/pairing", lambda r, _: answers.pairing(_encode(r))),
        _route(f"{pair}/codes", lambda r, _: answers.code_values(*_pair(r), r.query_params)),
        _route(f"{pair}/pair.png", lambda r, _: answers.pair_png(*_pair(r))),
        _route(
            pair + "/{what}",
            lambda r, _: answers.picture(*_pair(r), r.path_params["what"], r.query_params),
            after=lambda r: answers.prefetch(*_pair(r), r.query_params),
        ),
        _route(f"{of}/notes", lambda r, sent: answers.put_notes(_encode(r), sent), "PUT"),
        _route(f"{of}/export", lambda r, sent: answers.export(_encode(r), sent), "POST"),
    ]
    return Guard(Starlette(routes=routes), token, port)


def _route(
    path: str,
    answer: Callable[[Request, Any], Any],
    method: str = "GET",
    after: Callable[[Request], None] | None = None,
) -> Route:
    """A route that answers with JSON, or with an image where it is given bytes.

    Args:
        path: the path.
        answer: takes the request and the JSON that was sent, None for GET; runs in a thread.
        method: of the request.
        after: runs in a thread once the answer was sent.
    """
    from starlette.background import BackgroundTask
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response
    from starlette.routing import Route

    async def endpoint(request: Request) -> Response:
        try:
            sent = await request.json() if method != "GET" else None
            made = await run_in_threadpool(answer, request, sent)
        except NotYet:
            return _text(409, "the pairs are not known yet; ask again")
        except VqaError as error:
            return _text(404 if isinstance(error, InputError) else 400, one_line(error))
        except (ValueError, RecursionError):
            return _text(400, "that is no JSON")
        kind = "application/json"
        if isinstance(made, bytes):
            kind = "image/jpeg" if made.startswith(b"\xff\xd8") else "image/png"
        else:
            made = json.dumps(made, allow_nan=False, separators=(",", ":"))
        task = None if after is None else BackgroundTask(after, request)
        headers = {"cache-control": "no-store"}
        return Response(made, media_type=kind, headers=headers, background=task)

    return Route(path, endpoint, methods=[method])


def _encode(request: Request) -> int:
    return int(request.path_params["encode"])


def _pair(request: Request) -> tuple[int, int]:
    return _encode(request), int(request.path_params["pair"])


def _file(name: str, page: Mapping[str, bytes]) -> Response:
    from starlette.responses import Response

    if name not in page:
        return _text(404, "there is no such file")
    kind = f"{TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    return Response(page[name], media_type=kind, headers={"cache-control": "no-cache"})


def _text(status: int, text: str) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{text}\n", status)


def listen(port: int) -> socket.socket:
    """A socket on this machine's own address.

    Args:
        port: 0 for any that is free.

    Raises:
        UsageError: the port cannot be taken.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
    except OSError as error:
        made.close()
        raise UsageError(
            f"--port {port}: cannot be taken ({error.strerror}); name another, or none"
        ) from None
    return made


def serve(
    encodes: Sequence[Encode], title: str, *, port: int = 0, ready: Callable[[str], None]
) -> None:
    """Serve a session until the process is told to end.

    Args:
        encodes: what is looked at.
        title: of the page.
        port: where to listen; 0 for any port that is free.
        ready: is called with the address once requests are taken.

    Raises:
        MissingBackend: starlette or uvicorn is not installed.
        UsageError: the port cannot be taken.
    """
    require_server()
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave signals to the command line, which ends the process at once."""
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)

    token = secrets.token_urlsafe(24)
    opened = listen(port)
    try:
        port = opened.getsockname()[1]
        address = f"http://{HOST}:{port}/{token}/"
        answers = Answers(encodes, title)
        config = uvicorn.Config(
            application(answers, token, port),
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
            server_header=False,
            limit_concurrency=64,
            timeout_keep_alive=30,
        )
        try:
            Server(config).run(sockets=[opened])
        finally:
            answers.close()
    finally:
        opened.close()
