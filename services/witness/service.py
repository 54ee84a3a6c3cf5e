"""A witness as a service: C2SP tlog-witness, ``POST /add-checkpoint``; it holds a key and no ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from domain.log.notes import NOTE_BYTES_MAX, NoteError, VerifierKey
from domain.log.witnessing import CosigningRefused, Reason, open_signed, read_submission
from services.witness.state import cosign_checkpoint, hold_state

BODY_BYTES_MAX = NOTE_BYTES_MAX + 4_096
SIZE_TYPE = "text/x.tlog.size"
TIMEOUT_SECONDS = 10

log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    timeout = TIMEOUT_SECONDS
    """Who sends nothing for so long is let go."""
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """What is cosigned and refused is logged; requests are not."""


def make_app(key_file: Path, keys: Sequence[VerifierKey]) -> Flask:
    """The application: it cosigns for the logs of the given keys that the witness has begun."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        try:
            try:
                text = request.get_data().decode("utf-8")
            except UnicodeDecodeError:
                raise CosigningRefused(Reason.UNREADABLE, "the body is not UTF-8", "请求不是 UTF-8") from None
            submission = read_submission(text)
            signed = open_signed(submission.note, keys)
            with hold_state(key_file) as state:
                line = cosign_checkpoint(
                    state,
                    signed,
                    submission.old,
                    lambda _first, _second: submission.path,
                    int(time.time()),
                )
        except CosigningRefused as error:
            log.warning("not cosigned: %s", error)
            if error.reason is Reason.OTHER_SIZE:
                return Response(f"{error.size}\n", error.reason, content_type=SIZE_TYPE)
            return _answer(f"{error}\n", error.reason)
        except NoteError as error:
            log.error("nothing can be cosigned: %s", error)
            return _answer("the witness cannot cosign at the moment\n", 500)
        log.info("cosigned %s at %d events", *signed.checkpoint[:2])
        return _answer(line)

    @app.get("/")
    def show_witness() -> Response:
        with hold_state(key_file) as state:
            cosigned = [state.read_cosigned(origin) for origin in sorted(state.notes)]
            lines = [
                f"{state.key.verifier}\n",
                *(f"{each.origin} {each.size}\n" for each in cosigned if each),
            ]
        return _answer("".join(lines))

    return app


def make_witness_server(host: str, port: int, key_file: Path, keys: Sequence[VerifierKey]) -> BaseWSGIServer:
    """A server that listens; TLS is a reverse proxy's."""
    return make_server(host, port, make_app(key_file, keys), threaded=True, request_handler=_Handler)


def _answer(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
