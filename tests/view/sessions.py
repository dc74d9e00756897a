"""Sessions of the viewer for tests: an application that is asked without a port."""

import asyncio

import httpx

from vqa_harness.view.answers import Answers
from vqa_harness.view.server import application

TOKEN = "a-secret-for-tests"
PORT = 8123
BASE = f"http://127.0.0.1:{PORT}"


class Session:
    """Asks an application as a browser would.

    Args:
        encodes: what is looked at.
    """

    def __init__(self, encodes):
        self.answers = Answers(encodes, "tests")
        self.app = application(self.answers, TOKEN, PORT)

    def ask(self, path, method="GET", token=TOKEN, **options):
        return self.together([(path, method, options)], token)[0]

    def together(self, requests, token=TOKEN):
        async def all_of_them():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                asked = [
                    client.request(method, f"/{token}/{path}", **options)
                    for path, method, options in requests
                ]
                return await asyncio.gather(*asked)

        return asyncio.run(all_of_them())

    def send(self, path, document, method="PUT", **headers):
        return self.ask(path, method, json=document, headers={"origin": BASE, **headers})

    def found(self, encode=0):
        """Wait for the pairs."""
        return self.answers._pairing(encode).wait()

    def close(self):
        self.answers.close()
