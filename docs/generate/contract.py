"""What upstream and downstream systems may rely on: the schemas of ``docs/schemas/messages``.

A schema may grow so that everything that was valid stays valid. ``breaking`` names what would
not: whoever sent or read the old messages would fail. Then a new type (``….v2``) is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Document = dict[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "if", "not", "contains", "propertyNames")
_LISTS = ("allOf", "anyOf", "oneOf")


def breaking(old: Document, new: Document) -> list[str]:
    """What the new schema refuses, or no longer tells, that the old one had; empty where all is well.

    It errs towards alarm: a changed pattern, format or condition counts as narrowed.
    """
    return list(_broken(old, new, ""))


def types_removed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The types of message that are gone."""
    return [f"{name}: the type was removed" for name in sorted(set(old) - set(new))]


def _broken(old: Document, new: Document, at: str) -> Iterator[str]:
    for check in (_types, _values, _bounds, _exact, _fields, _lists):
        yield from check(old, new, at)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _broken(old["items"], new["items"], f"{at}[]")
    elif "items" in new and new["items"] != old.get("items"):
        yield f"{at or '/'}: items were constrained"
    if isinstance(old.get("then"), dict) and isinstance(new.get("then"), dict):
        yield from _broken(old["then"], new["then"], f"{at}/then")
    elif "then" in new and "then" not in old:
        yield f"{at or '/'}: a condition was added"


def _types(old: Document, new: Document, at: str) -> Iterator[str]:
    if "type" not in new:
        return
    after = _types_of(new)
    if "type" not in old:
        yield f"{at or '/'}: a type was demanded: {', '.join(sorted(after))}"
        return
    lost = {t for t in _types_of(old) if t not in after and not (t == "integer" and "number" in after)}
    if lost:
        yield f"{at or '/'}: may no longer be {', '.join(sorted(lost))}"


def _types_of(schema: Document) -> set[str]:
    return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])


def _values(old: Document, new: Document, at: str) -> Iterator[str]:
    after = _values_of(new)
    if after is None:
        return
    before = _values_of(old)
    if before is None:
        yield f"{at or '/'}: values were restricted to a list"
        return
    lost = [value for value in before if not any(_same(value, each) for each in after)]
    if lost:
        yield f"{at or '/'}: values no longer allowed: {', '.join(map(repr, lost))}"


def _values_of(schema: Document) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _bounds(old: Document, new: Document, at: str) -> Iterator[str]:
    tighter: tuple[tuple[tuple[str, ...], Callable[[Any, Any], bool]], ...] = (
        (_LOWER, lambda before, after: after > before),
        (_UPPER, lambda before, after: after < before),
    )
    for keys, narrowed in tighter:
        for key in keys:
            if key in new and (key not in old or narrowed(old[key], new[key])):
                yield f"{at or '/'}: {key} was narrowed: {old.get(key, 'none')} → {new[key]}"


def _exact(old: Document, new: Document, at: str) -> Iterator[str]:
    for key in _EXACT:
        if key in new and new[key] != old.get(key):
            yield f"{at or '/'}: {key} was narrowed: {old.get(key, 'none')} → {new[key]}"


def _fields(old: Document, new: Document, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        if name in after:
            yield from _broken(schema, after[name], f"{at}/{name}")
        else:
            yield f"{at}/{name}: the field was removed"
    added = set(after) - set(before)
    if old.get("additionalProperties", True) is not False:
        yield from (f"{at}/{name}: was free, is now fixed" for name in sorted(added) if after[name])
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{at}/{name}: the field is now required"
    if new.get("additionalProperties", True) is False and old.get("additionalProperties", True) is not False:
        yield f"{at or '/'}: unknown fields are now refused"


def _lists(old: Document, new: Document, at: str) -> Iterator[str]:
    for key in _LISTS:
        before, after = old.get(key, []), new.get(key, [])
        if key == "allOf":
            yield from _every(before, [each for each in after if not _asks_for_new(old, each)], at)
        elif after and before != after:
            yield f"{at or '/'}: {key} was changed"


def _asks_for_new(old: Document, condition: Document) -> bool:
    """Whether a condition is about a value that the old schema did not allow: nothing old meets it."""
    asked = condition.get("if", {}).get("properties", {})
    for name, schema in asked.items():
        wanted, allowed = _values_of(schema), _values_of(old.get("properties", {}).get(name, {}))
        needed = name in old.get("required", ())
        if needed and wanted and allowed and not any(_same(a, w) for a in allowed for w in wanted):
            return True
    return False


def _every(before: list[Document], after: list[Document], at: str) -> Iterator[str]:
    """Conditions are told apart by what they ask; one that is new constrains."""
    known = {str(each.get("if")): each for each in before}
    for schema in after:
        if str(schema.get("if")) in known:
            yield from _broken(known[str(schema.get("if"))], schema, at)
        else:
            yield f"{at or '/'}: allOf gained a condition"
