"""The settings: each by its rule, those that do not fit together, and names that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from services.doctor.findings import Finding, error, ok, warning
from services.runtime.kafka_settings import UnusableFile
from services.runtime.settings import Settings, SettingsError, unknown, usable
from services.runtime.variables import PREFIX, VARIABLES


def check(env: Mapping[str, str], database: str | None) -> tuple[Settings, list[Finding]]:
    """The settings to go on with, and a finding for each that breaks its rule or has no meaning."""
    settings, faults = usable(env)
    if database:
        settings = replace(settings, database=database)
    return settings, list(_findings(env, settings, faults))


def _findings(env: Mapping[str, str], settings: Settings, faults: list[SettingsError]) -> Iterator[Finding]:
    for fault in faults:
        zh, en = fault.words("zh"), fault.words("en")
        statement = f"{fault.variable}：{zh['rule']}", f"{fault.variable}: {en['rule']}"
        yield error("settings.value", statement, (f"{zh['mend']}（见 docs/settings.md）", en["mend"]))
    for name in unknown(env):
        statement = f"没有叫 {name} 的设置，写了也不起作用", f"no setting is called {name}; it does nothing"
        yield warning(
            "settings.unknown", statement, ("按 docs/settings.md 改正或删去", "mend its name, or unset it")
        )
    try:
        settings.check_open()
    except SettingsError as fault:
        words = fault.words("en")
        statement = f"{settings.host} 对其他机器开放而不核验身份", f"{fault.variable}: {words['rule']}"
        yield error(
            "settings.open", statement, (f"设 {PREFIX}IDENTITY=required，或只监听 127.0.0.1", words["mend"])
        )
    if settings.proxy.public_address and not settings.proxy.trusted:
        statement = (
            "设了公开地址而没有可信代理：查阅记录、日志和限额所记的都是代理的地址，所有人共用一份限额",
            "a public address is set and no trusted proxy: looks, logs and limits go by the proxy's address, "
            "and everybody shares one limit",
        )
        mend = (
            f"设 {PREFIX}TRUSTED_PROXIES 为反向代理的地址，如 127.0.0.1",
            f"set {PREFIX}TRUSTED_PROXIES to where the proxy asks from, as in 127.0.0.1",
        )
        yield warning("settings.proxy", statement, mend)
    try:
        settings.kafka.client()
    except UnusableFile as fault:
        statement = f"Kafka的证书或密码文件不能用：{fault}", f"a file for Kafka cannot be used: {fault}"
        yield error("settings.files", statement, ("核对路径、属主和权限", "check its path, owner and mode"))
    if not faults:
        yield ok(
            "settings.value",
            f"{len(VARIABLES)} 项设置都合规",
            f"all {len(VARIABLES)} settings keep their rules",
        )
