"""nginx and Caddy with TLS in front of a service, by the files that operators are given."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from tests.certificates import Authority
from tests.processes import Ports

EXAMPLES = Path(__file__).parent.parent / "docs" / "operations"
NAME = "subsidy.example.gov.cn"
VISITOR = "127.0.0.2"
"""Whence the tests ask: the proxy asks the service from 127.0.0.1."""
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
START_SECONDS_MAX = 30
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"


def write_nginx(folder: Path, port: int, plain: int, service: int, files: tuple[Path, Path]) -> list[str]:
    """The example with a certificate and ports of this test's own; the command that runs it."""
    text = (EXAMPLES / "nginx.conf").read_text("utf-8")
    for old, new in (
        ("127.0.0.1:8080", f"127.0.0.1:{service}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("/etc/ssl/subsidy-ledger.pem", str(files[0])),
        ("/etc/ssl/subsidy-ledger.key", str(files[1])),
    ):
        assert old in text, old
        text = text.replace(old, new)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\ndaemon off;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{folders}{text}}}\n",
        "utf-8",
    )
    return [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]


def write_caddy(folder: Path, port: int, plain: int, service: int, files: tuple[Path, Path]) -> list[str]:
    """The example with a certificate and ports of this test's own; the command that runs it."""
    text = (EXAMPLES / "Caddyfile").read_text("utf-8")
    for old, new in (
        ("127.0.0.1:8080", f"127.0.0.1:{service}"),
        (f"{NAME} {{", f"{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {files[0]} {files[1]}"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    options = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port {plain}\n}}\n"
    file = folder / "Caddyfile"
    file.write_text(options + text, "utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]


WRITERS = {"nginx": write_nginx, "caddy": write_caddy}


class Site:
    """The service as people see it: by https, under its name, through a proxy."""

    def __init__(self, port: int, authority: Path, *, is_told: bool) -> None:
        self.port, self.is_told = port, is_told
        self.address = f"https://{NAME}:{port}"
        self.tls = ssl.create_default_context(cafile=str(authority))
        self.cookies = dict[str, str]()

    def send(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """One request of a browser; the answer as text."""
        status, told, body = self.fetch(path, headers or {}, method, form)
        return status, told, body.decode()

    def fetch(
        self,
        path: str,
        headers: dict[str, str],
        method: str = "GET",
        form: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request over a connection of its own, with a browser's form or any content; what came of it."""
        connection = http.client.HTTPSConnection(NAME, self.port, timeout=30, context=self.tls)
        plain = socket.create_connection(("127.0.0.1", self.port), 30, source_address=(VISITOR, 0))
        connection.sock = self.tls.wrap_socket(plain, server_hostname=NAME)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Accept-Language": "en", "Cookie": cookies}
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.address}
            sent |= {"Sec-Fetch-Site": "same-origin", "Referer": f"{self.address}/console/who"}
        sent |= headers
        connection.request(method, path, urlencode(form) if form is not None else content, sent)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            assert ("; Secure" in cookie) == self.is_told, cookie
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, response.headers, body

    def send_form(self, name: str) -> tuple[int, str]:
        """Say who works, by the form of its page."""
        token = TOKEN.search(self.send("GET", "/console/who")[2])
        assert token
        form = {"csrf_token": token[1], "name": name, "roles": "officer", "back": "/console/"}
        status, _, text = self.send("POST", "/console/who", form)
        return status, text


class Proxy:
    """What is to stand in front of a service: its folder, ports and certificate."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.authority = Authority(folder / "tls")
        self.certificate = self.authority.issue("proxy", NAME)
        self.ports = Ports()
        self.port, self.plain = self.ports.take(), self.ports.take()
        self.address = f"https://{NAME}:{self.port}"

    @contextmanager
    def before(self, service: int, *, is_told: bool = True) -> Iterator[Site]:
        """The site while the proxy stands before a port; ``is_told`` says whether the service knows of it."""
        command = WRITERS[self.kind](self.folder, self.port, self.plain, service, self.certificate)
        own = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        process = subprocess.Popen(command, cwd=self.folder, env=own, stderr=subprocess.DEVNULL)
        try:
            yield wait_for(Site(self.port, self.authority.file, is_told=is_told), process)
        finally:
            process.terminate()
            process.wait(20)
            self.ports.release()


def wait_for(site: Site, process: subprocess.Popen[bytes]) -> Site:
    """Wait until the service answers through the proxy."""
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        assert process.poll() is None, "the proxy takes the file"
        with suppress(OSError):
            if site.send("GET", "/health/live")[0] == 200:
                return site
        assert time.monotonic() < until, "the proxy answers"
        time.sleep(0.1)
