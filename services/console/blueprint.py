"""The console's blueprint; the modules of ``services.console.pages`` add their pages to it."""

from __future__ import annotations

from flask import Blueprint

console = Blueprint(
    "console", "services.console", url_prefix="/console", static_folder="static", template_folder="templates"
)
