"""Write the pages of ``docs/`` that follow from the code and the policy file.

``python -m docs.generate.pages`` writes them; a test holds them to what this module would write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Flask

from docs.generate import supply
from docs.generate.architecture import architecture_page
from docs.generate.audited import audited_page
from docs.generate.authority import authority_page
from docs.generate.command_line import command_line_page
from docs.generate.contract import breaking, types_removed
from docs.generate.documents import documents_page
from docs.generate.events import events_page, examples_file
from docs.generate.policy_fields import policy_fields_page
from docs.generate.tables import table
from domain.faults.registry import (
    MESSAGE_AREAS,
    REQUEST_AREAS,
    STORE_AREAS,
    FaultWords,
    read_codes,
    read_problems,
)
from domain.policy.load import load_policy
from domain.policy.model import Policy, Reading
from ledger.store.application import open_ledger
from services.cli.policies.editor_schema import editor_schema
from services.kafka import asyncapi
from services.runtime.variables import VARIABLES
from services.server.app import create_app

DOCS = Path(__file__).parents[1]
MESSAGES = DOCS / "schemas" / "messages"
SUFFIX = ".schema.json"
POLICY_FILE = "cixi-ecommerce-2024.yaml"
MADE = "<!-- 由程序生成，请勿手改：python -m docs.generate.pages · Generated: do not edit by hand -->"


def main() -> None:
    """Write every page; a schema that would break those who rely on it is not written."""
    broken = contract_broken()
    if broken:
        raise SystemExit(
            "\n".join([*broken, "— give the message a new type (….v2); see docs/generate/contract.py"])
        )
    MESSAGES.mkdir(parents=True, exist_ok=True)
    (DOCS / "operations").mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")


def released() -> dict[str, Any]:
    """The schemas of the messages that others rely on, by type."""
    found = sorted(MESSAGES.glob(f"*{SUFFIX}"))
    return {file.name.removesuffix(SUFFIX): json.loads(file.read_text("utf-8")) for file in found}


def contract_broken() -> list[str]:
    """What the code would break of the schemas that others rely on."""
    old, new = released(), asyncapi.messages()
    found = types_removed(old, new)
    for type_ in sorted(set(old) & set(new)):
        found += [f"{type_}{said}" for said in breaking(old[type_], new[type_])]
    return found


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([MADE, f"# {title}", *parts]) + "\n"


# --- readings --------------------------------------------------------------------------------

OPEN = {"high": "高 · high", "medium": "中 · medium", "low": "低 · low"}
SAYS = {
    "high": (
        "**高 · high** — 两种理解都站得住，应由主管部门决定 · both readings stand; the bureau should decide"
    ),
    "medium": (
        "**中 · medium** — 默认理解较有依据，请确认 · the default has the better ground; please confirm"
    ),
    "low": "**低 · low** — 原文已基本写明 · the text all but says it",
}


def _policy() -> Policy:
    return load_policy(files("domain.policy").joinpath(POLICY_FILE).read_text("utf-8"))


def readings() -> str:
    """Every choice that the policy's text leaves open, the most open first."""
    policy = _policy()
    found = sorted(policy.readings.values(), key=lambda each: list(OPEN).index(each.open))
    rows = [
        (f"[`{r.id}`](#{r.id})", OPEN[r.open], f"{r.options[r.value]['zh']}<br>{r.options[r.value]['en']}")
        for r in found
    ]
    return _page(
        "政策的理解 · Readings",
        f"《{policy.title['zh']}》（{policy.number}）有 {len(found)} 处可作不同理解。下表列出每一"
        "处现在采用的理解，"
        "最需要主管部门决定的排在最前。如何更改见[更改政策](changing-the-policy.md)；更改前可以先用 "
        "`subsidy-ledger what-if --reading 名称=取值` 试算，不会记入账本。",
        f"The text of the policy can be read in more than one way in {len(found)} places. The "
        "table shows the "
        "reading in use, the most open first. To change one, see [changing the policy]("
        "changing-the-policy.en.md); "
        "to try one without recording anything, `subsidy-ledger what-if --reading NAME=VALUE`.",
        "\n".join(f"- {said}" for said in SAYS.values()),
        table(("理解 · reading", "存疑 · open", "现在采用 · in use"), rows),
        *(_reading(policy, each) for each in found),
    )


def _reading(policy: Policy, reading: Reading) -> str:
    options = [
        (f"`{name}`{' ←' if name == reading.value else ''}", words["zh"], words["en"])
        for name, words in reading.options.items()
    ]
    bears = [f"`{m.id}`" for m in policy.measures.values() if reading.id in m.readings]
    on = "全部条款 · every measure" if reading.id in policy.general_readings else "、".join(bears) or "—"
    return "\n\n".join(
        [
            f"## {reading.id}",
            f"存疑 · open: {OPEN[reading.open]}　影响 · bears on: {on}",
            f"> {reading.basis}",
            f"{reading.why['zh']} · {reading.why['en']}",
            table(("取值 · value（← 现用 in use）", "含义", "meaning"), options),
        ]
    )


# --- errors ----------------------------------------------------------------------------------


def errors() -> str:
    """Every code under which a message or a request can be refused."""
    return _page(
        "退回原因 · Error codes",
        "一条数据的全部问题一次说清：字段、代码、规则、改法。代码不会更名。花括号中是随数据而变的内容。"
        "怎样重新报送见[报送数据](upstream.md)。",
        "All that is wrong with a message is said at once: field, code, rule, mend. Codes are never renamed. "
        "Braces hold what depends on the message. To send again, see [publishing facts](upstream.en.md).",
        "## 数据 · Messages",
        _faults(read_codes(*MESSAGE_AREAS)),
        "## 请求 · Requests",
        "接口的其他请求还可能有以下问题 · what else can be wrong with a request to the API:",
        _faults(read_codes(*REQUEST_AREAS)),
        "## 数据库 · The database",
        "账本不能读写数据库时，命令行、自检和接口（503）所说的 · what the command line, the doctor and the "
        "API (503) say where the ledger cannot work on its database:",
        _faults(read_codes(*STORE_AREAS)),
        "## 问题的种类 · Kinds of problem",
        "出错的回答是 RFC 9457 的 `application/problem+json`，`code` 为下列之一，各项问题在 `faults` 中。"
        " · An error is answered as RFC 9457 problem details; `code` is one of these, `faults` "
        "holds the rest.",
        table(
            ("代码 · code", "状态 · status", "含义 · meaning"),
            [
                (f"`{code}`", str(kind.status), f"{kind.title_zh}<br>{kind.title_en}")
                for code, kind in read_problems().items()
            ],
        ),
    )


def _faults(codes: Mapping[str, FaultWords]) -> str:
    rows = [
        (f"`{code}`", f"{rule_zh}<br>{rule_en}", f"{mend_zh}<br>{mend_en}")
        for code, (rule_zh, mend_zh, rule_en, mend_en) in codes.items()
    ]
    return table(("代码 · code", "规则 · rule", "改法 · mend"), rows)


# --- events ----------------------------------------------------------------------------------


def events() -> str:
    """Every type of message with its fields, rules and an example."""
    return _page("数据类型 · Event types", *events_page())


# --- command line, settings, API ---------------------------------------------------------------


def cli() -> str:
    """The help of every command."""
    return _page("命令行 · Command line", *command_line_page())


def settings() -> str:
    """Every variable of the environment."""
    rows = [(f"`{v.name}`", f"`{v.default}`", f"{v.zh}<br>{v.en}") for v in VARIABLES]
    return _page(
        "设置 · Settings",
        "全部设置来自环境变量；不设置就用默认值，写错了会说明哪里不对。",
        "Every setting comes from the environment; unset means the default, and a bad value is named.",
        table(("变量 · variable", "默认 · default", "含义 · meaning"), rows),
    )


def api_app() -> Flask:
    """The API over an empty ledger that is gone afterwards."""
    return create_app(open_ledger(":memory:"))


def api() -> str:
    """Every route, as the API itself describes it."""
    document: dict[str, Any] = api_app().test_client().get("/openapi.json").get_json()
    rows = [
        (f"`{method.upper()} {path}`", said["summary"])
        for path, methods in sorted(document["paths"].items())
        for method, said in methods.items()
        if isinstance(said, dict) and "summary" in said
    ]
    return _page(
        "接口 · API",
        "字段、参数和示例由服务自己说明：页面 `/docs`，文件 `/openapi.json`（OpenAPI 3.1）。"
        "用法举例见[报送数据](upstream.md)和[窗口办理](officer.md)，出错时的代码见[退回原因](errors.md)。",
        "The service itself gives fields, parameters and examples: the page `/docs`, the document "
        "`/openapi.json` (OpenAPI 3.1). See [publishing facts](upstream.en.md) and "
        "[the officer's page](officer.en.md) for use, [error codes](errors.md) for what can go wrong.",
        table(("路径 · route", "内容 · what"), rows),
        "查询过去用 `as_of`、`as_known`、`rules_as_of`，见[三个时间](architecture.md#三个时间)；"
        "分页用回答中的 `next`；读取带 `ETag`。 · For the past there are `as_of`, `as_known`, `rules_as_of`; "
        "pages go on at the answer's `next`; reads carry an `ETag`.",
    )


def licences() -> str:
    """The licence of every locked dependency."""
    rows = [
        (f"`{name}`", versions, said, "是 · yes" if ships else "")
        for name, versions, said, ships in supply.licences()
    ]
    return _page(
        "依赖的许可 · Licences of dependencies",
        "依照锁定文件列出全部依赖及其自述的许可；“随附”的进入镜像，其余只用于开发和测试。"
        "物料清单见 [sbom.json](sbom.json)（CycloneDX 1.6）。",
        "Every locked dependency with the licence that it states; what is shipped is in the image, the "
        "rest only builds and tests. The bill of materials is [sbom.json](sbom.json) (CycloneDX 1.6).",
        table(("包 · package", "版本 · version", "许可 · licence", "随附 · shipped"), rows),
    )


PAGES: dict[str, Callable[[], str]] = {
    "readings.md": readings,
    "errors.md": errors,
    "events.md": events,
    "examples.ndjson": examples_file,
    "cli.md": cli,
    "settings.md": settings,
    "policy-fields.md": lambda: _page("政策文件的字段 · Fields of a policy file", *policy_fields_page()),
    "architecture.md": partial(architecture_page, "zh"),
    "architecture.en.md": partial(architecture_page, "en"),
    "authority.md": lambda: _page("谁可以写入什么 · Who may write what", *authority_page()),
    "documents.md": lambda: _page("公文 · Documents", *documents_page()),
    "audited.md": lambda: _page("核对哪些内容 · What an audit covers", *audited_page()),
    "api.md": api,
    "operations/licences.md": licences,
    "operations/sbom.json": lambda: _json(supply.bill_of_materials()),
    "schemas/policy.schema.json": lambda: _json(editor_schema()),
    "asyncapi.json": lambda: _json(asyncapi.document()),
    **{
        f"schemas/messages/{type_}{SUFFIX}": partial(_json, schema)
        for type_, schema in asyncapi.messages().items()
    },
}
"""The generated pages by file name."""


if __name__ == "__main__":
    main()
