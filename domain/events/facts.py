"""The classes of the kinds of fact that a vocabulary declares: one a kind, made of its declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from domain.events.content import (
    DatedThing,
    EnterpriseStatus,
    FactContent,
    StoredValues,
    YearlyAmount,
    YearlyFigure,
)
from domain.money.amounts import parse_fen
from domain.vocabulary.kinds import Kind
from domain.vocabulary.load import shipped_vocabulary

SHAPES: dict[str, type[FactContent]] = {
    base.shape: base for base in (EnterpriseStatus, DatedThing, YearlyAmount, YearlyFigure)
}
"""The class that each shape is built on."""


def _upcast_sales(state: StoredValues) -> None:
    """Version 1 of reported sales had the amount as yuan text, and no customs code."""
    state["amount_fen"] = parse_fen(state.pop("amount"))
    state["customs_code"] = None


UPCASTS: dict[str, tuple[Callable[[StoredValues], None], ...]] = {"SalesReported": (_upcast_sales,)}
"""Steps from each stored version of a kind to the next: what was stored before is read for ever."""


def content_class(kind: Kind) -> type[FactContent]:
    """The class of a kind's content: the kind's fields on the base of its shape."""
    base = SHAPES[kind.folds_as]
    taboo = [name for name in kind.field_names if name not in base.__struct_fields__ and hasattr(base, name)]
    if taboo:
        raise ValueError(f"{kind.name}: {', '.join(taboo)} mean something in every event — use other names")
    fields: list[Any] = [
        (field.name, field.stored_type) if field.required else (field.name, field.stored_type | None, None)
        for field in kind.fields
        if field.name not in base.__struct_fields__
    ]
    steps = UPCASTS.get(kind.name, ())
    namespace: dict[str, Any] = {
        "__doc__": kind.documentation.en,
        "declaration": kind,
        "class_version": len(steps) + 1,
        **{f"upcast_v{n}_v{n + 1}": staticmethod(step) for n, step in enumerate(steps, start=1)},
    }
    for names in ("identity", "attributes", "group"):
        if hasattr(base, names):
            namespace[names] = getattr(kind, names)
    content_type: Any = msgspec.defstruct(
        kind.name,
        fields,
        bases=(base,),
        namespace=namespace,
        module=__name__,
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return cast("type[FactContent]", content_type)


FACTS: dict[str, type[FactContent]] = {
    name: content_class(kind) for name, kind in shipped_vocabulary().kinds.items()
}
"""The shipped kinds by name."""
