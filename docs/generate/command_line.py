"""The page of the command line: every command by what it is for, with its help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from docs.generate.tables import table_in
from domain.vocabulary.kinds import Words
from services.cli.main import LANGUAGE, main
from services.cli.registry import ENTRIES, JOBS
from services.cli.statuses import MEANINGS, OF_DOCTOR
from services.cli.words import speaking

NAME = "subsidy-ledger"
COLUMNS = 96
ABOUT = Words(
    "用 `bash .ci/start` 安装后，命令在 `.venv/bin/subsidy-ledger`。`--database` 和 `--language` 写在子命令"
    "之前，例如 `subsidy-ledger --language en budget --year 2024`；"
    "每次都用的写成环境变量，见[设置](settings.md)。\n\n"
    "`--as-of`、`--as-known` 取日期（含当日全天，北京时间）或带时区的时间；`--rules-as-of` 取日期。"
    "含义见[三个时间](architecture.md#三个时间)。",
    "After `bash .ci/start` the command is `.venv/bin/subsidy-ledger`. `--database` and `--language` go "
    "before the subcommand, e.g. `subsidy-ledger --language en budget --year 2024`; what is always the same "
    "is set as a variable, see [settings](settings.en.md).\n\n"
    "`--as-of` and `--as-known` take a date (its whole day in China) or a time with its offset, "
    "`--rules-as-of` a date. See [three axes of time](architecture.en.md#three-axes-of-time).",
)
TABLES = Words(
    """\
打印表格、逐条列出的命令都可加 `--json`（同接口的回答）或 `--csv`（供表格软件）：
CSV 中金额不带符号，几个表之间空一行，其余的话写到标准错误。
表格不超过终端的宽度：名称先折行，信用代码和金额不断开；再窄则逐行列出。
进度只在终端显示。""",
    """\
Every command that prints a table or a list takes `--json` (the API's answer) and `--csv` (for spreadsheets):
amounts without signs, an empty line between tables, all else on standard error.
Tables fit the terminal: names give way first, credit codes and amounts are never broken, and where
that is not enough, rows are listed line by line. Progress is shown on terminals alone.""",
)
COMPLETION = (
    Words(
        "按 Tab 补全命令和选项，在所用的 shell 中设置一次：",
        "Tab completes commands and options, once your shell is told how:",
    ),
    """\
```sh
echo 'eval "$(_SUBSIDY_LEDGER_COMPLETE=bash_source subsidy-ledger)"' >> ~/.bashrc
echo 'eval "$(_SUBSIDY_LEDGER_COMPLETE=zsh_source subsidy-ledger)"' >> ~/.zshrc
echo '_SUBSIDY_LEDGER_COMPLETE=fish_source subsidy-ledger | source' >> ~/.config/fish/config.fish
```""",
    Words(
        '命令须在 `PATH` 上：`export PATH="$PWD/.venv/bin:$PATH"`。',
        'The command has to be on the `PATH`: `export PATH="$PWD/.venv/bin:$PATH"`.',
    ),
)


def command_line_page(language: str) -> Iterator[str]:
    """The parts of the page, its head apart."""
    before, shells, after = COMPLETION
    yield ABOUT.in_language(language)
    yield f"## {Words('结束状态', 'Exit statuses').in_language(language)}"
    yield table_in(
        language,
        (Words("状态", "Status"), Words("名称", "Name"), Words("含义", "Meaning")),
        [
            (f"`{status.value}`", status.name, Words(meaning.zh, meaning.en).in_language(language))
            for status, meaning in MEANINGS.items()
        ],
    )
    yield Words(f"{OF_DOCTOR.zh}。", f"{OF_DOCTOR.en}.").in_language(language)
    yield f"## {Words('表格', 'Tables').in_language(language)}"
    yield TABLES.in_language(language)
    yield f"## {Words('补全', 'Completion').in_language(language)}"
    yield from (before.in_language(language), shells, after.in_language(language))
    yield f"## {NAME}"
    yield _help(main, "", language)
    for name, job in JOBS.items():
        yield f"# {Words(job.zh, job.en).in_language(language)}"
        for entry in ENTRIES:
            if entry.job == name:
                yield from _command(entry.load(), entry.name, language)


def _command(command: click.Command, path: str, language: str) -> Iterator[str]:
    yield f"## {NAME} {path}"
    yield _help(command, path, language)
    for name, inner in speaking.commands_of(command):
        yield from _command(inner, f"{path} {name}", language)


def _help(command: click.Command, path: str, language: str) -> str:
    speaking.speak(language)
    speaking.put_help(command, path, language)
    context = click.Context(
        command,
        info_name=f"{NAME} {path}".strip(),
        terminal_width=COLUMNS,
        max_content_width=COLUMNS,
        help_option_names=speaking.HELP_NAMES,
    )
    context.meta[LANGUAGE] = language
    return f"```text\n{command.get_help(context)}\n```"
