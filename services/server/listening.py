"""The port of the service, held for one service alone."""

from __future__ import annotations

import errno
import socket

from domain.authority.roles import NotAllowed
from services.runtime.variables import PREFIX

PORT_SETTING = f"--port ({PREFIX}PORT)"


def address_of(host: str) -> str:
    """The address that a host of the settings stands for."""
    return "127.0.0.1" if host == "localhost" else host


def hold_port(host: str, port: int, setting: str = PORT_SETTING) -> socket.socket:
    """A socket that keeps a port for this process; while it is open no other service can hold it.

    Every worker of Granian listens by itself and shares the port (SO_REUSEPORT), so that a second
    service would join in silence and answer a part of the requests. The port is therefore bound
    alone first, and opened to those of our own user that share it only then.

    Args:
        setting: what chooses another port, as the fault says it.

    Raises:
        NotAllowed: where the port is taken, or cannot be had.
    """
    host = address_of(host)
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if ":" in host:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # What lingers of a service that has just stopped keeps nobody from starting again.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, port))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            raise NotAllowed("port.taken", "port", host=host, port=port, setting=setting) from error
        raise NotAllowed("port.closed", "port", host=host, port=port, reason=str(error.strerror)) from error
    return holder
