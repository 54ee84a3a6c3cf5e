"""Every setting, from the environment, in one place; a bad value says which rule it breaks.

``VARIABLES`` is the whole list; ``docs/settings.md`` is made from it.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from services.runtime.identity_settings import MODES, RETURN, IdentitySettings
from services.runtime.kafka_settings import MECHANISMS, SECURITY, KafkaSettings

PREFIX = "SUBSIDY_LEDGER_"
WORKERS_MAX = 64


class Variable(NamedTuple):
    """One variable of the environment: its default, and what it is for."""

    name: str
    default: str
    zh: str
    en: str


VARIABLES = (
    Variable(
        f"{PREFIX}DATABASE",
        "./subsidy-ledger.db",
        "账本的数据库：SQLite文件的路径，或 postgresql://用户:密码@主机:端口/库名",
        "the ledger's database: the path of a SQLite file, or postgresql://user:password@host:port/name",
    ),
    Variable(
        f"{PREFIX}SIGNING_KEY",
        "",
        "签署检查点的密钥文件；不填则为数据库文件名加 .key（PostgreSQL为 ./subsidy-ledger.key）",
        "the file of the key that signs checkpoints; unset, the database's file with .key added "
        "(./subsidy-ledger.key for PostgreSQL)",
    ),
    Variable(
        f"{PREFIX}SHEETS",
        "",
        "上传的表格在确认前存放的文件夹，保留一天，各服务进程共用；不填则为数据库文件名加 .sheets",
        "the folder where spreadsheets wait to be confirmed, for a day, shared by the serving processes; "
        "unset, the database's file with .sheets added",
    ),
    Variable(
        f"{PREFIX}TEMPLATES",
        "",
        "公文模板所在的文件夹（由 documents templates 写出后自行修改）；不填则用自带模板",
        "the folder of the office's own document templates (written by documents templates, then edited); "
        "unset, those that come with the ledger",
    ),
    Variable(f"{PREFIX}HOST", "127.0.0.1", "服务监听的地址", "the address that the service listens on"),
    Variable(f"{PREFIX}PORT", "8080", "服务监听的端口，1至65535", "its port, from 1 to 65535"),
    Variable(
        f"{PREFIX}LOGS",
        "text",
        "日志格式：text 或 json（每行一个对象）",
        "the form of logs: text, or json (an object a line)",
    ),
    Variable(f"{PREFIX}WORKERS", "1", "服务进程数，1至64", "how many processes serve, from 1 to 64"),
    Variable(
        f"{PREFIX}KAFKA_BROKERS",
        "127.0.0.1:9092",
        "Kafka地址，逗号分隔",
        "Kafka's addresses, comma-separated",
    ),
    Variable(f"{PREFIX}KAFKA_TOPIC", "subsidy.events", "接收数据的主题", "the topic that facts come on"),
    Variable(
        f"{PREFIX}KAFKA_DEAD_LETTERS",
        "subsidy.dead-letters",
        "退回数据的主题",
        "the topic of what was refused",
    ),
    Variable(
        f"{PREFIX}KAFKA_PUBLISHED",
        "subsidy.balances",
        "发布余额、账户变动和年度办结的主题",
        "the topic that changes of balances and accounts, and closings of years, leave on",
    ),
    Variable(
        f"{PREFIX}KAFKA_CHECKPOINTS",
        "subsidy.checkpoints",
        "发布已签署检查点的主题",
        "the topic that signed checkpoints leave on",
    ),
    Variable(f"{PREFIX}KAFKA_GROUP", "subsidy-ledger", "消费者组", "the consumer group"),
    Variable(
        f"{PREFIX}KAFKA_SESSION_MS",
        "10000",
        "消费者失联多少毫秒后由其他消费者接手，3000至300000",
        "after how many milliseconds of silence others take over, from 3000 to 300000",
    ),
    Variable(
        f"{PREFIX}KAFKA_SECURITY",
        "PLAINTEXT",
        "与Kafka的连接：PLAINTEXT、SSL、SASL_PLAINTEXT 或 SASL_SSL",
        "the connection to Kafka: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    ),
    Variable(
        f"{PREFIX}KAFKA_CA",
        "",
        "签发Kafka证书的CA文件（PEM）；不填则用本机信任的CA",
        "the file of the authority that signed Kafka's certificate (PEM); unset, those of this machine",
    ),
    Variable(
        f"{PREFIX}KAFKA_CERT",
        "",
        "本方证书文件（PEM），用于双向TLS",
        "the file of our own certificate (PEM), for mutual TLS",
    ),
    Variable(f"{PREFIX}KAFKA_KEY", "", "本方证书的私钥文件（PEM）", "the file of its private key (PEM)"),
    Variable(
        f"{PREFIX}KAFKA_SASL",
        "",
        "SASL方式：SCRAM-SHA-512、SCRAM-SHA-256 或 PLAIN（PLAIN 只与 SASL_SSL 同用）",
        "the SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN (PLAIN with SASL_SSL only)",
    ),
    Variable(f"{PREFIX}KAFKA_USER", "", "SASL用户名", "the SASL user's name"),
    Variable(
        f"{PREFIX}KAFKA_PASSWORD_FILE",
        "",
        "存放SASL密码的文件，一行",
        "the file that holds the SASL password, on one line",
    ),
    Variable(
        f"{PREFIX}METRICS_PORT",
        "0",
        "consume 和 publish 的指标端口，0为不开，最大65535",
        "the port of the measurements of consume and publish; 0 opens none, at most 65535",
    ),
    Variable(
        f"{PREFIX}METRICS_HOST",
        "127.0.0.1",
        "该端口监听的地址（指标中没有企业和个人的数据）",
        "the address of that port (the measurements hold nothing of enterprises or persons)",
    ),
    Variable(
        f"{PREFIX}IDENTITY",
        "local",
        "local：能连到本机的即为管理员，只能监听本机地址；required：每次请求须出示令牌或密钥",
        "local: whoever reaches this machine is the administrator, and only loopback is served; "
        "required: every request needs a token or a key",
    ),
    Variable(f"{PREFIX}OIDC_ISSUER", "", "令牌的签发者（iss）", "the issuer of tokens (iss)"),
    Variable(f"{PREFIX}OIDC_AUDIENCE", "subsidy-ledger", "令牌的受众（aud）", "their audience (aud)"),
    Variable(
        f"{PREFIX}OIDC_JWKS",
        "",
        "签发者公钥（JWKS）的 https 地址或文件",
        "where the issuer's keys (JWKS) are: an https address, or a file",
    ),
    Variable(f"{PREFIX}OIDC_ROLES", "roles", "令牌中角色的字段", "the claim that holds the roles"),
    Variable(
        f"{PREFIX}OIDC_NAME",
        "preferred_username",
        "令牌中姓名的字段",
        "the claim that holds the person's name",
    ),
    Variable(
        f"{PREFIX}OIDC_ENTERPRISE",
        "credit_code",
        "令牌中企业信用代码的字段",
        "the claim that holds an enterprise's credit code",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_ID",
        "",
        "本系统在签发者处的客户端编号；设置后工作人员在网页上登录",
        "our client id at the issuer; with it, people sign in to the console",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_SECRET_FILE",
        "",
        "存放客户端密钥的文件，一行",
        "the file that holds the client's secret, on one line",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_SECRET",
        "",
        "客户端密钥；用文件更好",
        "the client's secret; a file is better",
    ),
    Variable(
        f"{PREFIX}OIDC_REDIRECT",
        "",
        f"登录后返回的地址：https://主机{RETURN}，须在签发者处登记",
        f"where the issuer sends people back to: https://host{RETURN}, registered there",
    ),
    Variable(
        f"{PREFIX}OIDC_ONCE",
        "0",
        "为1时一个令牌只能用于一次写入（需有 jti）",
        "1 takes a token for one write only (it needs a jti)",
    ),
    Variable(
        f"{PREFIX}RATE",
        "0",
        "每个调用方每秒最多请求数，0为不限，最大100000",
        "requests a second that one caller may make; 0 sets no limit, at most 100000",
    ),
    Variable(
        f"{PREFIX}ALLOW_OPEN",
        "0",
        "为1时允许在不核验身份的情况下监听本机以外的地址（须由反向代理核验）",
        "1 allows an address beyond this machine without identities (behind a proxy that checks who asks)",
    ),
)


class SettingsError(ValueError):
    """A setting that cannot be used: which, the rule it breaks, and how to mend it."""

    def __init__(self, variable: str, rule: str, mend: str) -> None:
        self.variable, self.rule, self.mend = variable, rule, mend
        super().__init__(f"{variable}: {rule} — {mend}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run."""

    database: str = "./subsidy-ledger.db"
    signing_key: str = ""
    sheets: str = ""
    templates: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    allow_open: bool = False
    logs: str = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    """Where the streams are measured; 0: nowhere."""
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (by default, this process's).

        Raises:
            SettingsError: for the first value that breaks its rule.
        """
        given = os.environ if env is None else env
        values = {v.name.removeprefix(PREFIX): given.get(v.name, v.default) for v in VARIABLES}
        return cls(
            database=_path(values["DATABASE"]),
            signing_key=values["SIGNING_KEY"],
            sheets=values["SHEETS"],
            templates=values["TEMPLATES"],
            host=_host(values["HOST"]),
            port=_whole("PORT", values["PORT"], 1, 65_535),
            workers=_whole("WORKERS", values["WORKERS"], 1, WORKERS_MAX),
            logs=_word("LOGS", values["LOGS"], "text", "json"),
            allow_open=_flag("ALLOW_OPEN", values["ALLOW_OPEN"]),
            metrics_host=_host(values["METRICS_HOST"], "METRICS_HOST"),
            metrics_port=_whole("METRICS_PORT", values["METRICS_PORT"], 0, 65_535),
            identity=_identity(values),
            kafka=KafkaSettings(
                brokers=_addresses("KAFKA_BROKERS", values["KAFKA_BROKERS"]),
                topic=_topic("KAFKA_TOPIC", values["KAFKA_TOPIC"]),
                dead_letters=_topic("KAFKA_DEAD_LETTERS", values["KAFKA_DEAD_LETTERS"]),
                published=_topic("KAFKA_PUBLISHED", values["KAFKA_PUBLISHED"]),
                checkpoints=_topic("KAFKA_CHECKPOINTS", values["KAFKA_CHECKPOINTS"]),
                group=_topic("KAFKA_GROUP", values["KAFKA_GROUP"]),
                session_timeout_ms=_whole("KAFKA_SESSION_MS", values["KAFKA_SESSION_MS"], 3_000, 300_000),
                **_kafka_security(values),
            ),
        )

    @property
    def signing_key_file(self) -> str:
        """The file of the key that signs checkpoints."""
        beside = "./subsidy-ledger" if "://" in self.database else self.database
        return self.signing_key or f"{beside}.key"

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
            rule = f"{self.host} can be reached from other machines, and identities are not checked"
            mend = (
                f"use 127.0.0.1, or set {PREFIX}IDENTITY=required; "
                f"{PREFIX}ALLOW_OPEN=1 only behind a proxy that checks who asks"
            )
            raise SettingsError(f"{PREFIX}HOST", rule, mend)


def _identity(values: dict[str, str]) -> IdentitySettings:
    mode, issuer, jwks = values["IDENTITY"], values["OIDC_ISSUER"], values["OIDC_JWKS"]
    if mode not in MODES:
        raise SettingsError(f"{PREFIX}IDENTITY", f"is none of {', '.join(MODES)}", "write one of them")
    if bool(issuer) != bool(jwks):
        lacking = "OIDC_JWKS" if issuer else "OIDC_ISSUER"
        raise SettingsError(PREFIX + lacking, "is missing", "set issuer and keys together")
    return IdentitySettings(
        **_client(values, mode, issuer),
        mode=mode,
        issuer=issuer,
        audience=values["OIDC_AUDIENCE"],
        jwks=jwks,
        roles_claim=values["OIDC_ROLES"],
        name_claim=values["OIDC_NAME"],
        enterprise_claim=values["OIDC_ENTERPRISE"],
        rate=_whole("RATE", values["RATE"], 0, 100_000),
        writes_once=_flag("OIDC_ONCE", values["OIDC_ONCE"]),
    )


def _client(values: dict[str, str], mode: str, issuer: str) -> dict[str, str]:
    """Our client at the issuer, whole or not at all."""
    named = {
        "client_id": "OIDC_CLIENT_ID",
        "client_secret": "OIDC_CLIENT_SECRET",
        "client_secret_file": "OIDC_CLIENT_SECRET_FILE",
        "redirect": "OIDC_REDIRECT",
    }
    found = {name: values[variable] for name, variable in named.items()}
    if not any(found.values()):
        return found
    for name in ("client_id", "redirect"):
        if not found[name]:
            raise SettingsError(PREFIX + named[name], "is missing", "set client, secret and address together")
    if bool(found["client_secret"]) == bool(found["client_secret_file"]):
        rule = "is set twice" if found["client_secret"] else "is missing"
        raise SettingsError(PREFIX + "OIDC_CLIENT_SECRET_FILE", rule, "set the file, or the secret, not both")
    if mode != "required" or not issuer:
        lacking = "IDENTITY" if mode != "required" else "OIDC_ISSUER"
        mend = f"set {PREFIX}IDENTITY=required with the issuer and its keys"
        raise SettingsError(PREFIX + lacking, "does not go with people who sign in", mend)
    at = urlsplit(found["redirect"])
    safe = at.scheme == "https" or (at.scheme == "http" and is_loopback(at.hostname or ""))
    if not safe or at.path != RETURN or at.query or at.fragment or not at.hostname:
        rule = f"is no https address that ends in {RETURN}"
        raise SettingsError(f"{PREFIX}OIDC_REDIRECT", rule, f"write it like https://ledger.example{RETURN}")
    return found


def _kafka_security(values: dict[str, str]) -> dict[str, Any]:
    """How we and the broker prove who we are; what does not fit together is refused here, not by a broker."""
    security = _word("KAFKA_SECURITY", values["KAFKA_SECURITY"], *SECURITY)
    files = {name: values[f"KAFKA_{name}"] for name in ("CA", "CERT", "KEY")}
    mechanism, user, password = (values[f"KAFKA_{name}"] for name in ("SASL", "USER", "PASSWORD_FILE"))
    if not security.endswith("SSL") and any(files.values()):
        name = next(name for name, file in files.items() if file)
        raise SettingsError(
            f"{PREFIX}KAFKA_{name}", f"means nothing with {security}", f"set {PREFIX}KAFKA_SECURITY=SSL"
        )
    if bool(files["CERT"]) != bool(files["KEY"]):
        lacking = "KAFKA_KEY" if files["CERT"] else "KAFKA_CERT"
        raise SettingsError(PREFIX + lacking, "is missing", "set certificate and key together")
    if security.startswith("SASL"):
        _word("KAFKA_SASL", mechanism, *MECHANISMS)
        for name, text in (("USER", user), ("PASSWORD_FILE", password)):
            if not text:
                raise SettingsError(f"{PREFIX}KAFKA_{name}", "is missing", f"{security} needs it")
        if mechanism == "PLAIN" and security != "SASL_SSL":
            rule = "PLAIN would send the password in the clear"
            raise SettingsError(f"{PREFIX}KAFKA_SASL", rule, "use SCRAM-SHA-512, or SASL_SSL")
    elif mechanism or user or password:
        name = "SASL" if mechanism else "USER" if user else "PASSWORD_FILE"
        mend = f"set {PREFIX}KAFKA_SECURITY=SASL_SSL, or unset it"
        raise SettingsError(f"{PREFIX}KAFKA_{name}", f"means nothing with {security}", mend)
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
    given, found = dict(env), list[SettingsError]()
    while True:
        try:
            return Settings.from_env(given), found
        except SettingsError as error:
            if error.variable in {each.variable for each in found}:
                # A default does not mend what is wrong between variables: the whole group goes.
                group = error.variable.removeprefix(PREFIX).partition("_")[0]
                given = {name: v for name, v in given.items() if not name.startswith(PREFIX + group)}
            else:
                found.append(error)
                given.pop(error.variable, None)


def unknown(env: Mapping[str, str]) -> list[str]:
    """Variables of the environment that begin like ours and are none: most likely misspelt."""
    known = {each.name for each in VARIABLES} | {f"{PREFIX}LANGUAGE"}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def is_loopback(host: str) -> bool:
    """Whether an address stays on this machine; a name other than ``localhost`` does not count."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(text: str) -> str:
    if not text.strip() or "\x00" in text:
        raise SettingsError(f"{PREFIX}DATABASE", "is empty", "give the path of the ledger's file")
    return text


def _host(text: str, name: str = "HOST") -> str:
    try:
        if text != "localhost":
            ipaddress.ip_address(text)
    except ValueError:
        rule = f"is not an IP address: {text!r}"
        raise SettingsError(PREFIX + name, rule, "write it like 127.0.0.1, ::1 or localhost") from None
    return text


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        rule = f"is not a whole number from {low} to {high}: {text[:40]!r}"
        raise SettingsError(PREFIX + name, rule, f"write a number from {low} to {high}, or leave it unset")
    return int(text)


def _addresses(name: str, text: str) -> str:
    if not all(
        re.fullmatch(r"[^\s:,]+:[0-9]{1,5}|\[[0-9a-f:]+\]:[0-9]{1,5}", each) for each in text.split(",")
    ):
        rule = f"is not a list of host:port: {text[:80]!r}"
        raise SettingsError(PREFIX + name, rule, "write it like kafka-1:9092,kafka-2:9092")
    return text


def _topic(name: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text):
        rule = f"is not a name that Kafka allows: {text[:80]!r}"
        raise SettingsError(PREFIX + name, rule, "use letters, digits, full stops, hyphens and underscores")
    return text


def _word(name: str, text: str, *choices: str) -> str:
    if text not in choices:
        raise SettingsError(PREFIX + name, f"is none of {', '.join(choices)}", "write one of them")
    return text


def _flag(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(PREFIX + name, f"is neither 0 nor 1: {text[:40]!r}", "write 1 to allow it, or 0")
    return text == "1"
