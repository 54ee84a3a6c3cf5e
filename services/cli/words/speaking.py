"""Help, and what click itself says, in the language that was asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click
from click import core, decorators, exceptions, formatting, parser, termui, types

from services.cli.words.click_words import BY_SINGULAR, CLICK
from services.cli.words.commands import COMMANDS, TOP
from services.cli.words.options import OPTIONS

LANGUAGES = ("zh", "en")
VARIABLE = "SUBSIDY_LEDGER_LANGUAGE"
HELP_NAMES = ["-h", "--help"]
FIRST_COLUMN_MAX = 30
TEXT_COLUMNS_MIN = 20
_PIECE = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")
"""A blank, a run of what is written with blanks, or one sign of what is written without."""
_NOT_FIRST = "，。；：、）》”！？"
_NOT_LAST = "（《“"


def asked_language(args: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language that the words of a command line, or else the environment, ask for; Chinese by default."""
    named = environment.get(VARIABLE, "")
    for option, value in zip(args, (*args, "")[1:], strict=True):
        if option == "--language" or option.startswith("--language="):
            named = value if option == "--language" else option.partition("=")[2]
            break
    return named if named in LANGUAGES else LANGUAGES[0]


def speak(language: str) -> None:
    """Have click say its own sentences in a language."""
    is_chinese = language == "zh"

    def translated(text: str) -> str:
        return CLICK.get(text, text) if is_chinese else text

    def numbered(singular: str, plural: str, number: int) -> str:
        english = singular if number == 1 else plural
        return BY_SINGULAR.get(singular, english) if is_chinese else english

    for module in (core, decorators, exceptions, formatting, parser, termui, types):
        for name, function in (("_", translated), ("ngettext", numbered)):
            if hasattr(module, name):
                setattr(module, name, function)


def put_help(command: click.Command, path: str, language: str) -> None:
    """Put the help of a command, of its options and of all commands below it into a language.

    Args:
        command: the command.
        path: its name, with those of its groups before it; empty for the command line itself.
        language: ``zh`` or ``en``.
    """
    english = vars(command).setdefault("english", command.help or "")
    command.help = (COMMANDS.get(path, english) if path else TOP) if language == "zh" else english
    command.short_help = first_paragraph(command.help)
    with click.Context(command, help_option_names=HELP_NAMES) as context:
        for option in command.get_params(context):
            if isinstance(option, click.Option):
                text = vars(option).setdefault("english", option.help or "")
                option.help = OPTIONS.get(text, text) if language == "zh" else text
                if option.metavar is None and isinstance(option.type, types.IntParamType):
                    option.metavar = "YEAR" if "year" in (option.name or "") else "N"
    for name, inner in commands_of(command):
        put_help(inner, f"{path} {name}", language)


def commands_of(command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group; those of the command line itself are put into a language one by one."""
    if isinstance(command, click.Group) and isinstance(command.commands, dict):
        yield from command.commands.items()


def first_paragraph(text: str) -> str:
    """What a list of commands says of one."""
    return " ".join(text.strip().split("\n\n")[0].split())


def list_line(path: str, english: str, language: str) -> str:
    """What a list of all commands says of one: its first paragraph up to a semicolon."""
    text = COMMANDS.get(path, english) if language == "zh" else english
    return re.split(r"[;；]", first_paragraph(text))[0].rstrip("。.")


def count_cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def wrap(text: str, width: int) -> list[str]:
    """The lines of a paragraph that fit a width; Chinese is broken between any two signs."""
    lines, line = list[str](), ""
    room = width if text.isascii() else width - 2  # a sign that ends a clause stays with it
    for piece in _PIECE.findall(text.strip()):
        sign = " " if piece.isspace() else piece
        if line.strip() and sign not in _NOT_FIRST and count_cells(f"{line}{sign}".rstrip()) > room:
            carried = line[-1] if line[-1] in _NOT_LAST else ""
            lines.append(line.removesuffix(carried).rstrip())
            line, sign = carried, sign.lstrip()
        line += sign
    return [*lines, line.rstrip()] if line.strip() else lines


class HelpFormatter(click.HelpFormatter):
    """Writes help by the columns that signs take: one of Chinese takes two."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        colon = ":" if heading.isascii() else "："
        self.write(f"{'':>{self.current_indent}}{heading}{colon}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs, wrapped, an empty line between them."""
        paragraphs = [wrap(part, self.width - self.current_indent) for part in text.split("\n\n")]
        indent = " " * self.current_indent
        self.write("\n\n".join("\n".join(indent + line for line in lines) for lines in paragraphs) + "\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = FIRST_COLUMN_MAX, col_spacing: int = 2
    ) -> None:
        """Write terms with what they mean beside them."""
        pairs = list(rows)
        first = min(max(count_cells(term) for term, _ in pairs), col_max) + col_spacing
        left = self.current_indent + first
        for term, meaning in pairs:
            lines = wrap(meaning, max(self.width - left, TEXT_COLUMNS_MIN)) or [""]
            begun = " " * self.current_indent + term
            if count_cells(term) + col_spacing > first:
                lines.insert(0, "")
            padding = " " * (left - count_cells(begun)) if lines[0] else ""
            rest = "".join(f"{'':>{left}}{line}\n" for line in lines[1:])
            self.write(f"{begun}{padding}{lines[0]}\n{rest}")


click.Context.formatter_class = HelpFormatter
