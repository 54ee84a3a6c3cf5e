"""The pages, one module for each section."""

from services.console.pages import (
    audit,
    claims,
    enterprises,
    home,
    log,
    payments,
    refused,
    replay,
    settlement,
    what_if,
    year,
)

ORDER = (
    *("nav-year", "nav-enterprises", "nav-claims", "nav-refused", "nav-settlement"),
    *("nav-what-if", "nav-time", "nav-audit"),
)
"""The menu's order, which is that of the work."""
home.MENU.sort(key=lambda entry: ORDER.index(entry[1]))

MODULES = (home, year, enterprises, claims, refused, settlement, payments, what_if, replay, log, audit)
