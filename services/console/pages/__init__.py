"""The pages, one module for each section; every module here adds its pages to the console when imported.

A new page is a module here, its template and its words: nothing else names it. Pages are for staff; what
others may see is named in ``services.web.identity.access``.
"""

import importlib
import pkgutil

_NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))
MODULES = tuple(importlib.import_module(f"{__name__}.{name}") for name in _NAMES)
