"""An issuer of identities that gives its keys when it is let."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from joserfc.jwk import ECKey, KeySet


class Issuer:
    """An issuer of keys that answers when it is let."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1"})
        self.answers, self.asked, self.address = threading.Event(), 0, ""


@contextmanager
def issuing() -> Iterator[Issuer]:
    """The address of a running one."""
    issuer = Issuer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            issuer.answers.wait(30)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(KeySet([issuer.key]).as_dict(private=False)).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}/jwks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        issuer.answers.set()
        server.shutdown()
        server.server_close()
