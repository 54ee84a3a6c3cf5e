"""Settings: each rule by itself, what does not fit together, and how the doctor reads them all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.caller_errors import caller_message
from services.runtime.kafka_settings import KafkaSettings, UnusableFile
from services.runtime.settings import Settings, SettingsError, unknown, usable
from services.runtime.variables import PREFIX, VARIABLES


def of(**given: str) -> Settings:
    return Settings.from_env({PREFIX + name: value for name, value in given.items()})


SASL = {"KAFKA_SASL": "SCRAM-SHA-512", "KAFKA_USER": "ledger", "KAFKA_PASSWORD_FILE": "password"}

WRONG = [
    ("KAFKA_SECURITY", {"KAFKA_SECURITY": "TLS"}),
    ("KAFKA_CA", {"KAFKA_CA": "ca.pem"}),
    ("KAFKA_KEY", {"KAFKA_SECURITY": "SSL", "KAFKA_CERT": "our.pem"}),
    ("KAFKA_CERT", {"KAFKA_SECURITY": "SSL", "KAFKA_KEY": "our.key"}),
    ("KAFKA_SASL", {"KAFKA_SECURITY": "SASL_SSL"}),
    ("KAFKA_SASL", {"KAFKA_SECURITY": "SASL_SSL", **SASL, "KAFKA_SASL": "GSSAPI"}),
    ("KAFKA_SASL", {"KAFKA_SECURITY": "SASL_PLAINTEXT", **SASL, "KAFKA_SASL": "PLAIN"}),
    ("KAFKA_USER", {"KAFKA_SECURITY": "SASL_SSL", **SASL, "KAFKA_USER": ""}),
    ("KAFKA_PASSWORD_FILE", {"KAFKA_SECURITY": "SASL_SSL", **SASL, "KAFKA_PASSWORD_FILE": ""}),
    ("KAFKA_SASL", {"KAFKA_SECURITY": "SSL", **SASL}),
    ("KAFKA_USER", {"KAFKA_USER": "ledger"}),
    ("METRICS_PORT", {"METRICS_PORT": "65536"}),
    ("METRICS_HOST", {"METRICS_HOST": "somewhere"}),
]


@pytest.mark.parametrize(("variable", "given"), WRONG)
def test_what_does_not_fit_together_is_refused_by_name(variable: str, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        of(**given)

    assert refused.value.variable == PREFIX + variable
    zh, en = (refused.value.describe(language) for language in ("zh", "en"))
    assert zh.startswith(f"{PREFIX}{variable}：")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
    assert (en, caller_message(refused.value, "zh")) == (str(refused.value), zh)


def test_a_value_in_chinese_is_told_in_the_language_of_the_reader() -> None:
    with pytest.raises(SettingsError) as refused:
        of(IDENTITY="required", USERS="王五=市长")
    assert "没有写明用户及其角色" in (caller_message(refused.value, "zh") or "")
    assert "names no user with roles of" in (caller_message(refused.value, "en") or "")


def test_a_client_without_security_has_no_word_of_it() -> None:
    assert set(KafkaSettings().client()) == {"bootstrap_servers", "client_id"}


def test_a_client_with_mutual_tls_names_its_files(tmp_path: Path) -> None:
    names = ("ca", "cert", "key")
    for name in names:
        (tmp_path / name).write_text("PEM")
    files = {f"KAFKA_{name.upper()}": str(tmp_path / name) for name in names}

    client = of(KAFKA_SECURITY="SSL", **files).kafka.client()

    assert client["security_protocol"] == "SSL"
    assert client["ssl_cafile"] == files["KAFKA_CA"]
    assert client["ssl_certfile"] == files["KAFKA_CERT"]
    assert client["ssl_keyfile"] == files["KAFKA_KEY"]
    assert "sasl_mechanism" not in client


def test_a_client_with_a_password_reads_it_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("秘密 with blanks \n", "utf-8")

    found = of(KAFKA_SECURITY="SASL_SSL", **{**SASL, "KAFKA_PASSWORD_FILE": str(tmp_path / "password")}).kafka

    assert found.producer()["sasl_plain_password"] == "秘密 with blanks "
    assert found.client()["sasl_mechanism"] == "SCRAM-SHA-512"
    assert "秘密" not in repr(found)


def test_a_file_that_cannot_be_read_is_named() -> None:
    settings = of(KAFKA_SECURITY="SASL_SSL", **SASL).kafka

    with pytest.raises(UnusableFile, match="password"):
        settings.client()


def test_every_bad_value_is_found_at_once_and_the_rest_is_used() -> None:
    env = {f"{PREFIX}PORT": "0", f"{PREFIX}RATE": "-1", f"{PREFIX}WORKERS": "3", f"{PREFIX}KAFKA_USER": "x"}

    settings, faults = usable(env)

    assert {fault.variable for fault in faults} == {
        f"{PREFIX}PORT",
        f"{PREFIX}RATE",
        f"{PREFIX}KAFKA_USER",
    }
    assert settings.workers == 3


def test_a_fault_that_no_default_mends_is_told_once() -> None:
    settings, faults = usable({f"{PREFIX}OIDC_ISSUER": "https://issuer", f"{PREFIX}PORT": "81"})

    assert [fault.variable for fault in faults] == [f"{PREFIX}OIDC_JWKS"]
    assert (settings.port, settings.identity.issuer) == (81, "")


@pytest.mark.parametrize("variable", [each.name for each in VARIABLES])
def test_no_value_of_any_variable_keeps_the_doctor_from_reading_on(variable: str) -> None:
    usable({variable: "\x00 nonsense"})


def test_a_misspelt_name_is_found() -> None:
    assert unknown({f"{PREFIX}DATABSE": "x", f"{PREFIX}LANGUAGE": "en", "PATH": ""}) == [f"{PREFIX}DATABSE"]
