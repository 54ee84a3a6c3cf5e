"""Every setting, read from the environment in one place; a bad value says which rule it breaks."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from domain.authority.roles import STAFF
from domain.intake.quotas import RefusalQuota
from services.runtime.identity_settings import MODES, RETURN, IdentitySettings, UserRoles, is_loopback
from services.runtime.kafka_settings import MECHANISMS, SECURITY, KafkaSettings, PublisherTopic
from services.runtime.proxy_settings import ProxySettings, read_proxy_settings
from services.runtime.variables import PREFIX, VARIABLES
from services.runtime.variables import SettingsError as SettingsError

WORKERS_MAX = 64


RESERVED_ISSUERS = ("local", "os")
"""What stands for an issuer where a name is only declared, and for users of the operating system."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run."""

    database: str = "./subsidy-ledger.db"
    signing_key: str = ""
    checkpoints_to: tuple[str, ...] = ()
    checkpoints_every: int = 3_600
    """Seconds between two checkpoints that leave on their own."""
    witnesses: str = ""
    sheets: str = ""
    templates: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    health_port: int = 0
    """Where health answers beside the service's port; 0: only there."""
    stall_seconds: int = 30
    """How long a body or an answer may make no progress."""
    allow_open: bool = False
    logs: str = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    """Where the streams are measured; 0: nowhere."""
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    proxy: ProxySettings = field(default_factory=ProxySettings)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (by default, this process's).

        Raises:
            SettingsError: for the first value that breaks its rule.
        """
        environment = os.environ if env is None else env
        values = {v.name.removeprefix(PREFIX): environment.get(v.name, v.default) for v in VARIABLES}
        return cls(
            database=_path(values["DATABASE"]),
            signing_key=values["SIGNING_KEY"],
            checkpoints_to=_targets(values["CHECKPOINTS_TO"]),
            checkpoints_every=_whole_number("CHECKPOINTS_EVERY", values["CHECKPOINTS_EVERY"], 5, 604_800),
            witnesses=values["WITNESSES"],
            sheets=values["SHEETS"],
            templates=values["TEMPLATES"],
            host=_host(values["HOST"]),
            port=_whole_number("PORT", values["PORT"], 1, 65_535),
            workers=_whole_number("WORKERS", values["WORKERS"], 1, WORKERS_MAX),
            health_port=_health_port(values),
            stall_seconds=_whole_number("STALL_SECONDS", values["STALL_SECONDS"], 1, 3_600),
            logs=_word("LOGS", values["LOGS"], "text", "json"),
            allow_open=_flag("ALLOW_OPEN", values["ALLOW_OPEN"]),
            metrics_host=_host(values["METRICS_HOST"], "METRICS_HOST"),
            metrics_port=_whole_number("METRICS_PORT", values["METRICS_PORT"], 0, 65_535),
            identity=_identity(values),
            proxy=read_proxy_settings(values),
            kafka=KafkaSettings(
                brokers=_addresses("KAFKA_BROKERS", values["KAFKA_BROKERS"]),
                topic=_topic("KAFKA_TOPIC", values["KAFKA_TOPIC"]),
                topics=_publisher_topics(values["KAFKA_TOPICS"], values["KAFKA_TOPIC"]),
                dead_letters=_topic("KAFKA_DEAD_LETTERS", values["KAFKA_DEAD_LETTERS"]),
                published=_topic("KAFKA_PUBLISHED", values["KAFKA_PUBLISHED"]),
                checkpoints=_topic("KAFKA_CHECKPOINTS", values["KAFKA_CHECKPOINTS"]),
                group=_topic("KAFKA_GROUP", values["KAFKA_GROUP"]),
                session_timeout_ms=_whole_number(
                    "KAFKA_SESSION_MS", values["KAFKA_SESSION_MS"], 3_000, 300_000
                ),
                **_kafka_security(values),
            ),
        )

    @property
    def signing_key_file(self) -> str:
        """The file of the key that signs checkpoints."""
        beside = "./subsidy-ledger" if "://" in self.database else self.database
        return self.signing_key or f"{beside}.key"

    @property
    def forms_key_file(self) -> str:
        """The file of the secret that protects the console's forms; one for all workers and restarts."""
        return f"{self.signing_key_file}.forms"

    @property
    def sheets_folder(self) -> str:
        """Where spreadsheets wait to be confirmed."""
        beside = "./subsidy-ledger" if "://" in self.database else self.database
        return self.sheets or f"{beside}.sheets"

    def check_open(self) -> None:
        """Refuse to serve beyond this machine unless that was asked for.

        Raises:
            SettingsError: for an address that is not loopback, without ``allow_open``.
        """
        checked = self.identity.mode == "required" or self.allow_open
        if not checked and not is_loopback(self.host):
            raise SettingsError(f"{PREFIX}HOST", "setting.open-host", host=self.host)


def _health_port(values: dict[str, str]) -> int:
    port = _whole_number("HEALTH_PORT", values["HEALTH_PORT"], 0, 65_535)
    if str(port) == values["PORT"]:
        raise SettingsError(f"{PREFIX}HEALTH_PORT", "setting.port-taken", port=port)
    return port


def _identity(values: dict[str, str]) -> IdentitySettings:
    mode, issuer, jwks = values["IDENTITY"], values["OIDC_ISSUER"], values["OIDC_JWKS"]
    if mode not in MODES:
        raise SettingsError(f"{PREFIX}IDENTITY", "setting.choice", choices=", ".join(MODES))
    if bool(issuer) != bool(jwks):
        lacking = "OIDC_JWKS" if issuer else "OIDC_ISSUER"
        raise SettingsError(PREFIX + lacking, "setting.issuer-pair")
    if issuer in RESERVED_ISSUERS:
        raise SettingsError(f"{PREFIX}OIDC_ISSUER", "setting.issuer-reserved", issuer=issuer)
    return IdentitySettings(
        **_client(values, mode, issuer),
        mode=mode,
        issuer=issuer,
        audience=values["OIDC_AUDIENCE"],
        jwks=jwks,
        roles_claim=values["OIDC_ROLES"],
        name_claim=values["OIDC_NAME"],
        enterprise_claim=values["OIDC_ENTERPRISE"],
        hosts=_served_names(values),
        source_claim=values["OIDC_SOURCE"],
        recheck=_whole_number("OIDC_RECHECK", values["OIDC_RECHECK"], 60, 28_800),
        rate=_whole_number("RATE", values["RATE"], 0, 100_000),
        failed=_whole_number("FAILED", values["FAILED"], 0, 100_000),
        refused=RefusalQuota(
            _whole_number("REFUSED_MESSAGES", values["REFUSED_MESSAGES"], 1, 100_000),
            _whole_number("REFUSED_MEGABYTES", values["REFUSED_MEGABYTES"], 1, 10_000),
        ),
        writes_once=_flag("OIDC_ONCE", values["OIDC_ONCE"]),
        users=_users(values["USERS"], mode),
    )


def _users(text: str, mode: str) -> tuple[UserRoles, ...]:
    """Users of the operating system with their roles: ``user=role role; user=role``."""
    entries = [entry.partition("=") for entry in text.split(";") if entry.strip()]
    users = tuple(UserRoles(user.strip(), frozenset(roles.split())) for user, _, roles in entries)
    for each in users:
        if not each.user or not each.roles or each.roles - set(STAFF):
            roles, value = ", ".join(STAFF), each.user[:80]
            raise SettingsError(f"{PREFIX}USERS", "setting.users-form", roles=roles, value=value)
    if len({each.user for each in users}) < len(users):
        raise SettingsError(f"{PREFIX}USERS", "setting.users-twice")
    if users and mode == "local":
        raise SettingsError(f"{PREFIX}USERS", "setting.users-local")
    return users


def _served_names(values: dict[str, str]) -> tuple[str, ...]:
    """The names that the service is asked by: those set, and where it listens."""
    names = [name.strip().lower() for name in values["HOSTS"].split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*", name):
            raise SettingsError(f"{PREFIX}HOSTS", "setting.hosts-form", value=name[:80])
    if values["IDENTITY"] == "local" and values["ALLOW_OPEN"] != "1":
        if names:
            raise SettingsError(f"{PREFIX}HOSTS", "setting.hosts-local")
        return (values["HOST"],) if is_loopback(values["HOST"]) else ()
    listening = [] if values["HOST"] in ("0.0.0.0", "::") else [values["HOST"]]  # noqa: S104 - compared only
    return tuple(dict.fromkeys([*names, *listening]))


def _client(values: dict[str, str], mode: str, issuer: str) -> dict[str, str]:
    """Our client at the issuer, whole or not at all."""
    named = {
        "client_id": "OIDC_CLIENT_ID",
        "client_secret": "OIDC_CLIENT_SECRET",
        "client_secret_file": "OIDC_CLIENT_SECRET_FILE",
        "redirect": "OIDC_REDIRECT",
    }
    client = {name: values[variable] for name, variable in named.items()}
    if not any(client.values()):
        return client
    public_address = read_proxy_settings(values).public_address
    client["redirect"] = client["redirect"] or (public_address and public_address + RETURN)
    for name in ("client_id", "redirect"):
        if not client[name]:
            raise SettingsError(PREFIX + named[name], "setting.client-missing")
    if bool(client["client_secret"]) == bool(client["client_secret_file"]):
        code = "setting.secret-twice" if client["client_secret"] else "setting.secret-missing"
        raise SettingsError(PREFIX + "OIDC_CLIENT_SECRET_FILE", code)
    if mode != "required" or not issuer:
        lacking = "IDENTITY" if mode != "required" else "OIDC_ISSUER"
        raise SettingsError(PREFIX + lacking, "setting.sign-in-identity")
    redirect = urlsplit(client["redirect"])
    safe = redirect.scheme == "https" or (redirect.scheme == "http" and is_loopback(redirect.hostname or ""))
    if not safe or redirect.path != RETURN or redirect.query or redirect.fragment or not redirect.hostname:
        raise SettingsError(f"{PREFIX}OIDC_REDIRECT", "setting.redirect-form", path=RETURN)
    if public_address and client["redirect"] != public_address + RETURN:
        address = public_address + RETURN
        raise SettingsError(f"{PREFIX}OIDC_REDIRECT", "setting.redirect-elsewhere", address=address)
    return client


def _kafka_security(values: dict[str, str]) -> dict[str, Any]:
    """How we and the broker prove who we are; what does not fit together is refused here, not by a broker."""
    security = _word("KAFKA_SECURITY", values["KAFKA_SECURITY"], *SECURITY)
    files = {name: values[f"KAFKA_{name}"] for name in ("CA", "CERT", "KEY")}
    mechanism, user, password = (values[f"KAFKA_{name}"] for name in ("SASL", "USER", "PASSWORD_FILE"))
    if not security.endswith("SSL") and any(files.values()):
        name = next(name for name, file in files.items() if file)
        raise SettingsError(f"{PREFIX}KAFKA_{name}", "setting.kafka-files", security=security)
    if bool(files["CERT"]) != bool(files["KEY"]):
        lacking = "KAFKA_KEY" if files["CERT"] else "KAFKA_CERT"
        raise SettingsError(PREFIX + lacking, "setting.kafka-pair")
    if security.startswith("SASL"):
        _word("KAFKA_SASL", mechanism, *MECHANISMS)
        for name, text in (("USER", user), ("PASSWORD_FILE", password)):
            if not text:
                raise SettingsError(f"{PREFIX}KAFKA_{name}", "setting.kafka-needs", security=security)
        if mechanism == "PLAIN" and security != "SASL_SSL":
            raise SettingsError(f"{PREFIX}KAFKA_SASL", "setting.kafka-plain")
    elif mechanism or user or password:
        name = "SASL" if mechanism else "USER" if user else "PASSWORD_FILE"
        raise SettingsError(f"{PREFIX}KAFKA_{name}", "setting.kafka-user", security=security)
    return {
        "security": security,
        "ca_file": files["CA"],
        "cert_file": files["CERT"],
        "key_file": files["KEY"],
        "mechanism": mechanism,
        "username": user,
        "password_file": password,
    }


def usable(env: Mapping[str, str]) -> tuple[Settings, list[SettingsError]]:
    """The settings with a default in place of each value that breaks its rule, and what these are."""
    environment, errors = dict(env), list[SettingsError]()
    while True:
        try:
            return Settings.from_env(environment), errors
        except SettingsError as error:
            if error.variable in {each.variable for each in errors}:
                # A default does not mend what is wrong between variables: the whole group goes.
                group = error.variable.removeprefix(PREFIX).partition("_")[0]
                environment = {
                    name: v for name, v in environment.items() if not name.startswith(PREFIX + group)
                }
            else:
                errors.append(error)
                environment.pop(error.variable, None)


def unknown(env: Mapping[str, str]) -> list[str]:
    """Variables of the environment that begin like ours and are none: most likely misspelt."""
    names = {each.name for each in VARIABLES}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in names)


def _targets(text: str) -> tuple[str, ...]:
    """Paths, and addresses by https; http is for this machine alone."""
    targets = tuple(text.split())
    for target in targets:
        address = urlsplit(target.removeprefix("post+"))
        safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))
        if "://" in target and not (safe and address.hostname):
            raise SettingsError(f"{PREFIX}CHECKPOINTS_TO", "setting.target", value=target[:80])
    return targets


def _path(text: str) -> str:
    if not text.strip() or "\x00" in text:
        raise SettingsError(f"{PREFIX}DATABASE", "setting.database-empty")
    return text


def _host(text: str, name: str = "HOST") -> str:
    try:
        if text != "localhost":
            ipaddress.ip_address(text)
    except ValueError:
        raise SettingsError(PREFIX + name, "setting.host-form", value=text) from None
    return text


def _whole_number(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        raise SettingsError(PREFIX + name, "setting.number", low=low, high=high, value=text[:40])
    return int(text)


def _addresses(name: str, text: str) -> str:
    if not all(
        re.fullmatch(r"[^\s:,]+:[0-9]{1,5}|\[[0-9a-f:]+\]:[0-9]{1,5}", each) for each in text.split(",")
    ):
        raise SettingsError(PREFIX + name, "setting.addresses", value=text[:80])
    return text


def _topic(name: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text):
        raise SettingsError(PREFIX + name, "setting.topic", value=text[:80])
    return text


def _publisher_topics(text: str, shared: str) -> tuple[PublisherTopic, ...]:
    """Topics with their publishers: ``topic=source type type; topic=source``."""
    topics = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        topic, _, bound = entry.partition("=")
        source, *types = bound.split() or [""]
        if not source or not all(re.fullmatch(r"subsidy\.[a-z0-9-]+\.v[0-9]+", each) for each in types):
            raise SettingsError(f"{PREFIX}KAFKA_TOPICS", "setting.topics-form", value=entry[:80])
        topics.append(PublisherTopic(_topic("KAFKA_TOPICS", topic.strip()), source, frozenset(types)))
    names = [each.topic for each in topics]
    if len({*names, shared}) <= len(names):
        raise SettingsError(f"{PREFIX}KAFKA_TOPICS", "setting.topics-twice")
    return tuple(topics)


def _word(name: str, text: str, *choices: str) -> str:
    if text not in choices:
        raise SettingsError(PREFIX + name, "setting.choice", choices=", ".join(choices))
    return text


def _flag(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(PREFIX + name, "setting.flag", value=text[:40])
    return text == "1"
