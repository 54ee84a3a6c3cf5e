"""Settings of what stands before the service: which proxies are believed, and where people reach it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.runtime.identity_settings import is_loopback
from services.runtime.variables import PREFIX, SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """By default nothing stands before the service, and no header says where a request came from."""

    trusted: tuple[Network, ...] = ()
    """Networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    public_address: str = ""
    """Scheme and host by which people reach the service, as a browser writes an origin (RFC 6454)."""

    @property
    def public_host(self) -> str:
        """The host of the public address, lower case, without port; empty where none is set."""
        return urlsplit(self.public_address).hostname or ""


def read_proxy_settings(values: dict[str, str]) -> ProxySettings:
    """The settings, by the names of variables without their prefix.

    Raises:
        SettingsError.
    """
    public = ProxySettings((), _read_address(values["PUBLIC_ADDRESS"]))
    is_open = values["IDENTITY"] == "required" or values["ALLOW_OPEN"] == "1"
    if public.public_address and not is_open and not is_loopback(public.public_host):
        raise SettingsError(f"{PREFIX}PUBLIC_ADDRESS", "setting.address-local")
    return ProxySettings(_read_networks(values["TRUSTED_PROXIES"]), public.public_address)


def _read_address(text: str) -> str:
    """An origin: as a browser says it, so without a port that its scheme has by default."""
    if not text:
        return ""
    default_ports = {"https": 443, "http": 80}
    try:
        address = urlsplit(text.strip())
        host, port = address.hostname or "", address.port
    except ValueError:
        host = ""
    safe = host and (address.scheme == "https" or (address.scheme == "http" and is_loopback(host)))
    if not safe or address.path not in ("", "/") or address.query or address.fragment or address.username:
        raise SettingsError(f"{PREFIX}PUBLIC_ADDRESS", "setting.address-form", value=text[:80])
    named = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, default_ports[address.scheme]) else f":{port}"
    return f"{address.scheme}://{named}{shown_port}"


def _read_networks(text: str) -> tuple[Network, ...]:
    networks = list[Network]()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            network = None
        if network is None or network.prefixlen == 0:
            raise SettingsError(f"{PREFIX}TRUSTED_PROXIES", "setting.proxies", value=entry[:80])
        networks.append(network)
    return tuple(networks)
