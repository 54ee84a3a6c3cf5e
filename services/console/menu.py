"""The main menu: each page that belongs in it says so itself, with its place."""

from __future__ import annotations

from typing import NamedTuple


class MenuEntry(NamedTuple):
    """One entry: entries stand in the order of their places."""

    place: int
    endpoint: str
    """Of a page that takes policy and year, without ``console.``."""
    words_key: str


_ENTRIES: list[MenuEntry] = []


def add_to_menu(endpoint: str, words_key: str, place: int) -> None:
    """Show a page in the menu; called by the page's module when it is imported."""
    _ENTRIES.append(MenuEntry(place, endpoint, words_key))


def menu_entries() -> list[MenuEntry]:
    """The menu from its first entry to its last."""
    return sorted(_ENTRIES)
