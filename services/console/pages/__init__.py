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

MODULES = (home, year, enterprises, claims, refused, settlement, payments, what_if, replay, log, audit)
