"""The pages, one module for each section."""

from services.console.pages import (
    audit,
    claims,
    disagreements,
    enterprises,
    home,
    log,
    payments,
    refused,
    replay,
    settlement,
    sheets,
    sign_in,
    what_if,
    year,
)

home.MENU.sort(key=lambda entry: home.ORDER.index(entry[1]))

MODULES = (
    home,
    year,
    enterprises,
    claims,
    sheets,
    refused,
    disagreements,
    settlement,
    payments,
    what_if,
    replay,
    log,
    audit,
    sign_in,
)
