"""Write the pages of ``docs/`` that follow from the code and the policy file.

``python -m docs.generate.pages`` writes them; a test holds them to what this module would write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from docs.generate import supply
from docs.generate.architecture import architecture_page
from docs.generate.audited import audited_page
from docs.generate.authority import authority_page
from docs.generate.command_line import command_line_page
from docs.generate.contract import breaking, types_removed
from docs.generate.documents import documents_page
from docs.generate.events import events_page, examples_file
from docs.generate.formats import formats_page
from docs.generate.languages import LANGUAGES, YES, as_sentence, file_name, lay_out_page, list_items
from docs.generate.policy_fields import policy_fields_page
from docs.generate.tables import table_in
from docs.generate.vectors import vector_files
from domain.faults.registry import (
    MESSAGE_AREAS,
    REQUEST_AREAS,
    SETTING_AREAS,
    STORE_AREAS,
    FaultWords,
    read_codes,
    read_problems,
)
from domain.policy.load import load_policy
from domain.policy.model import Policy, Reading
from domain.vocabulary.kinds import Words
from ledger.store.application import open_ledger
from services.cli.policies.editor_schema import editor_schema
from services.kafka import asyncapi
from services.runtime.variables import VARIABLES
from services.server.app import create_app

DOCS = Path(__file__).parents[1]
MESSAGES = DOCS / "schemas" / "messages"
SUFFIX = ".schema.json"
POLICY_FILE = "cixi-ecommerce-2024.yaml"


def main() -> None:
    """Write every page; a schema that would break those who rely on it is not written."""
    broken = contract_broken()
    if broken:
        raise SystemExit(
            "\n".join([*broken, "— give the message a new type (….v2); see docs/generate/contract.py"])
        )
    MESSAGES.mkdir(parents=True, exist_ok=True)
    (DOCS / "operations").mkdir(exist_ok=True)
    (DOCS / "formats" / "vectors").mkdir(parents=True, exist_ok=True)
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


# --- readings --------------------------------------------------------------------------------

OPEN = {"high": Words("高", "high"), "medium": Words("中", "medium"), "low": Words("低", "low")}
SAYS = {
    "high": Words("两种理解都站得住，应由主管部门决定", "both readings stand; the bureau should decide"),
    "medium": Words("默认理解较有依据，请确认", "the default has the better ground; please confirm"),
    "low": Words("原文已基本写明", "the text all but says it"),
}


def _policy() -> Policy:
    return load_policy(files("domain.policy").joinpath(POLICY_FILE).read_text("utf-8"))


def readings(language: str) -> Iterator[str]:
    """Every choice that the policy's text leaves open, the most open first."""
    policy = _policy()
    found = sorted(policy.readings.values(), key=lambda each: list(OPEN).index(each.open))
    yield Words(
        f"《{policy.title['zh']}》（{policy.number}）有 {len(found)} 处可作不同理解。"
        "下表列出每一处现在采用的理解，最需要主管部门决定的排在最前。"
        "如何更改见[更改政策](changing-the-policy.md)；更改前可以先用 "
        "`subsidy-ledger what-if --reading 名称=取值` 试算，不会记入账本。",
        f"The text of the policy ({policy.title['en']}) can be read in more than one way in {len(found)} "
        "places. The table shows the reading in use, the most open first. To change one, see "
        "[changing the policy](changing-the-policy.en.md); to try one without recording anything, "
        "`subsidy-ledger what-if --reading NAME=VALUE`.",
    ).in_language(language)
    yield "\n".join(
        f"- **{OPEN[degree].in_language(language)}** — {words.in_language(language)}"
        for degree, words in SAYS.items()
    )
    yield table_in(
        language,
        (Words("理解", "Reading"), Words("存疑", "Open"), Words("现在采用", "In use")),
        [
            (f"[`{r.id}`](#{r.id})", OPEN[r.open].in_language(language), r.options[r.value][language])
            for r in found
        ],
    )
    for reading in found:
        yield from _reading(policy, reading, language)


def _reading(policy: Policy, reading: Reading, language: str) -> Iterator[str]:
    in_use = Words("现用", "in use").in_language(language)
    options = [
        (f"`{name}`{f' ← {in_use}' if name == reading.value else ''}", words[language])
        for name, words in reading.options.items()
    ]
    bears = [f"`{m.id}`" for m in policy.measures.values() if reading.id in m.readings]
    on = list_items(bears, language) or "—"
    if reading.id in policy.general_readings:
        on = Words("全部条款", "every measure").in_language(language)
    degree = OPEN[reading.open]
    yield f"## {reading.id}"
    yield Words(f"存疑：{degree.zh}。影响：{on}。", f"Open: {degree.en}. Bears on: {on}.").in_language(
        language
    )
    yield f"> {reading.basis}"
    yield as_sentence(reading.why[language], language)
    yield table_in(language, (Words("取值", "Value"), Words("含义", "Meaning")), options)


# --- errors ----------------------------------------------------------------------------------


def errors(language: str) -> Iterator[str]:
    """Every code under which a message or a request can be refused."""
    yield Words(
        "一条数据的全部问题一次说清：字段、代码、规则、改法。代码不会更名。花括号中是随数据而变的内容。"
        "怎样重新报送见[报送数据](upstream.md)。",
        "All that is wrong with a message is said at once: field, code, rule, mend. Codes are never renamed. "
        "Braces hold what depends on the message. To send again, see [publishing facts](upstream.en.md).",
    ).in_language(language)
    yield f"## {Words('数据', 'Messages').in_language(language)}"
    yield _faults(read_codes(*MESSAGE_AREAS), language)
    yield f"## {Words('请求', 'Requests').in_language(language)}"
    yield Words(
        "接口的其他请求还可能有以下问题：", "What else can be wrong with a request to the API:"
    ).in_language(language)
    yield _faults(read_codes(*REQUEST_AREAS), language)
    yield f"## {Words('数据库', 'The database').in_language(language)}"
    yield Words(
        "账本不能读写数据库时，命令行、自检和接口（503）所说的：",
        "What the command line, the doctor and the API (503) say where the ledger cannot work on its "
        "database:",
    ).in_language(language)
    yield _faults(read_codes(*STORE_AREAS), language)
    yield f"## {Words('设置', 'Settings').in_language(language)}"
    yield Words(
        "环境变量不能用时，命令行、服务和自检所说的，前面写明变量的名称（见[设置](settings.md)）：",
        "What the command line, the service and the doctor say of a variable of the environment that cannot "
        "be used, behind its name (see [settings](settings.en.md)):",
    ).in_language(language)
    yield _faults(read_codes(*SETTING_AREAS), language)
    yield f"## {Words('问题的种类', 'Kinds of problem').in_language(language)}"
    yield Words(
        "出错的回答是 RFC 9457 的 `application/problem+json`，`code` 为下列之一，各项问题在 `faults` 中。",
        "An error is answered as RFC 9457 problem details (`application/problem+json`); `code` is one of "
        "these, `faults` holds the rest.",
    ).in_language(language)
    yield table_in(
        language,
        (CODE, Words("状态", "Status"), Words("含义", "Meaning")),
        [
            (f"`{code}`", str(kind.status), Words(kind.title_zh, kind.title_en).in_language(language))
            for code, kind in read_problems().items()
        ],
    )


CODE = Words("代码", "Code")


def _faults(codes: Mapping[str, FaultWords], language: str) -> str:
    rows = [
        (
            f"`{code}`",
            Words(words.rule_zh, words.rule_en).in_language(language),
            Words(words.mend_zh, words.mend_en).in_language(language),
        )
        for code, words in codes.items()
    ]
    return table_in(language, (CODE, Words("规则", "Rule"), Words("改法", "Mend")), rows)


# --- settings, API, licences -------------------------------------------------------------------


def settings(language: str) -> Iterator[str]:
    """Every variable of the environment."""
    yield Words(
        "全部设置来自环境变量；不设置就用默认值，写错了会说明哪里不对。",
        "Every setting comes from the environment; unset means the default, and a bad value is named.",
    ).in_language(language)
    yield table_in(
        language,
        (Words("变量", "Variable"), Words("默认", "Default"), Words("含义", "Meaning")),
        [(f"`{v.name}`", f"`{v.default}`", Words(v.zh, v.en).in_language(language)) for v in VARIABLES],
    )


def api_app() -> Flask:
    """The API over an empty ledger that is gone afterwards."""
    return create_app(open_ledger(":memory:"))


def api(language: str) -> Iterator[str]:
    """Every route, as the API itself describes it: in Chinese, a dot, and in English."""
    document: dict[str, Any] = api_app().test_client().get("/openapi.json").get_json()
    yield Words(
        "字段、参数和示例由服务自己说明：页面 `/docs`，文件 `/openapi.json`（OpenAPI 3.1）。"
        "用法举例见[报送数据](upstream.md)和[窗口办理](officer.md)，出错时的代码见[退回原因](errors.md)。",
        "The service itself gives fields, parameters and examples: the page `/docs`, the document "
        "`/openapi.json` (OpenAPI 3.1). See [publishing facts](upstream.en.md) and "
        "[the officer's page](officer.en.md) for use, [error codes](errors.en.md) for what can go wrong.",
    ).in_language(language)
    yield table_in(
        language,
        (Words("路径", "Route"), Words("内容", "What")),
        [
            (f"`{method.upper()} {path}`", Words(*said["summary"].split(" · ", 1)).in_language(language))
            for path, methods in sorted(document["paths"].items())
            for method, said in methods.items()
            if isinstance(said, dict) and "summary" in said
        ],
    )
    yield Words(
        "查询过去用 `as_of`、`as_known`、`rules_as_of`，见[三个时间](architecture.md#三个时间)；"
        "分页用回答中的 `next`；读取带 `ETag`。",
        "For the past there are `as_of`, `as_known`, `rules_as_of`: see [three axes of time]"
        "(architecture.en.md#three-axes-of-time). Pages go on at the answer's `next`; reads carry an `ETag`.",
    ).in_language(language)


def licences(language: str) -> Iterator[str]:
    """The licence of every locked dependency."""
    yield Words(
        "依照锁定文件列出全部依赖及其自述的许可；“随附”的进入镜像，其余只用于开发和测试。"
        "物料清单见 [sbom.json](sbom.json)（CycloneDX 1.6）。",
        "Every locked dependency with the licence that it states; what is shipped is in the image, the "
        "rest only builds and tests. The bill of materials is [sbom.json](sbom.json) (CycloneDX 1.6).",
    ).in_language(language)
    yield table_in(
        language,
        (
            Words("包", "Package"),
            Words("版本", "Version"),
            Words("许可", "Licence"),
            Words("随附", "Shipped"),
        ),
        [
            (name, versions, said, YES.in_language(language) if ships else "")
            for name, versions, said, ships in supply.licences()
        ],
    )


class GeneratedPage(NamedTuple):
    """A page that is generated whole in both languages."""

    title: Words
    write_parts: Callable[[str], Iterable[str]]
    """The parts below its head, in a language."""


IN_BOTH_LANGUAGES = {
    "readings": GeneratedPage(Words("政策的理解", "Readings"), readings),
    "errors": GeneratedPage(Words("退回原因", "Error codes"), errors),
    "events": GeneratedPage(Words("数据类型", "Event types"), events_page),
    "cli": GeneratedPage(Words("命令行", "Command line"), command_line_page),
    "settings": GeneratedPage(Words("设置", "Settings"), settings),
    "policy-fields": GeneratedPage(Words("政策文件的字段", "Fields of a policy file"), policy_fields_page),
    "authority": GeneratedPage(Words("谁可以写入什么", "Who may write what"), authority_page),
    "documents": GeneratedPage(Words("公文", "Documents"), documents_page),
    "formats": GeneratedPage(Words("格式", "Formats"), formats_page),
    "audited": GeneratedPage(Words("核对哪些内容", "What an audit covers"), audited_page),
    "api": GeneratedPage(Words("接口", "API"), api),
    "operations/licences": GeneratedPage(Words("依赖的许可", "Licences of dependencies"), licences),
}


def write_page(name: str, language: str) -> str:
    """The text of a page that is generated whole, in a language."""
    page = IN_BOTH_LANGUAGES[name]
    return lay_out_page(name, language, page.title, *page.write_parts(language))


PAGES: dict[str, Callable[[], str]] = {
    **{
        file_name(name, language): partial(write_page, name, language)
        for name in IN_BOTH_LANGUAGES
        for language in LANGUAGES
    },
    **{file_name("architecture", language): partial(architecture_page, language) for language in LANGUAGES},
    "examples.ndjson": examples_file,
    **{f"formats/vectors/{name}.json": partial(_json, value) for name, value in vector_files()},
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
