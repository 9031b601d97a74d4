"""Whether an element is what its version of the standard allows, said with the place of each thing that is not.

Decisions that govern this module:

* The rules are those in pyiso20022's classes: which elements in which order and how often, choices, lengths, patterns,
  digits, codes. They are walked over the elements themselves, so that each answer has a line.
* One part of a message is checked by itself: of a thousand payments the one that is wrong is named, the rest goes on.
* XSDs are no part of this: the tests judge what is written here by schemas that others made.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pyjpm.iso20022.reading import Problem, local_name, problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml.etree import _Element

FORMAT: Final = "FF01"
AMOUNT: Final = "AM12"
_MOST_PROBLEMS: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    order: int
    type: Any
    least: int
    most: int | None
    facets: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Rules:
    elements: dict[str, _Part]
    attributes: dict[str, _Part]
    text: _Part | None
    choice: bool
    anything: bool


_known: dict[type[Any], _Rules] = {}


def only_child(document: type[Any]) -> str:
    """The name of the one element in a Document."""
    return next(iter(_rules(document).elements))


def type_at(document: type[Any], path: str) -> type[Any]:
    """The class of the elements at a path below a Document, such as ``CstmrCdtTrfInitn/PmtInf``."""
    found = document
    for name in path.split("/"):
        found = _rules(found).elements[name].type
    return found


def check(element: _Element, kind: type[Any], *, without: Collection[str] = ()) -> list[Problem]:
    """What the standard does not allow in an element, at most twenty things.

    Args:
        kind: the class of its type.
        without: names of children that are checked by themselves.
    """
    found: list[Problem] = []
    _walk(element, kind, found, frozenset(without))
    return found[:_MOST_PROBLEMS]


def _walk(element: _Element, kind: type[Any], found: list[Problem], without: frozenset[str]) -> None:
    rules = _rules(kind)
    if rules.anything or len(found) >= _MOST_PROBLEMS:
        return
    _attributes(element, rules, found)
    if rules.text is not None:
        _text(element, rules.text, found, AMOUNT if rules.attributes else FORMAT)
    elif (element.text or "").strip():
        found.append(problem(FORMAT, f"{local_name(element)} holds elements, no text.", element))
    counts: dict[str, int] = {}
    last = -1
    namespace = str(element.tag).partition("}")[0]
    for child in element:
        name = local_name(child)
        part = rules.elements.get(name) if str(child.tag).startswith(namespace + "}") else None
        if part is None:
            found.append(problem(FORMAT, f"{local_name(element)} has no {name[:40]} in this version.", child))
            continue
        if part.order < last:
            found.append(problem(FORMAT, f"{name} stands too late in {local_name(element)}.", child))
        last = max(last, part.order)
        counts[name] = counts.get(name, 0) + 1
        if part.most is not None and counts[name] == part.most + 1:
            found.append(problem(FORMAT, f"{name} is there more than {part.most} times.", child))
        if name in without:
            continue
        if dataclasses.is_dataclass(part.type):
            _walk(child, typing.cast("type[Any]", part.type), found, frozenset())
        else:
            _leaf(child, part, found)
    for name, part in rules.elements.items():
        if counts.get(name, 0) < part.least:
            found.append(problem(FORMAT, f"{local_name(element)} lacks {name}.", element))
    if rules.choice and len(counts) != 1:
        found.append(problem(FORMAT, f"{local_name(element)} has exactly one of {', '.join(rules.elements)}.", element))


def _attributes(element: _Element, rules: _Rules, found: list[Problem]) -> None:
    for name, value in element.attrib.items():
        part = rules.attributes.get(str(name))
        if part is None:
            # Those of other namespaces, such as xsi:schemaLocation, say nothing about the payment.
            if not str(name).startswith("{"):
                found.append(problem(FORMAT, f"{local_name(element)} has no such attribute.", element))
        elif said := _wrong(str(value), part):
            found.append(problem(FORMAT, f"The attribute {name} {said}.", element))
    for name, part in rules.attributes.items():
        if part.least and name not in element.attrib:
            found.append(problem(FORMAT, f"{local_name(element)} lacks the attribute {name}.", element))


def _leaf(element: _Element, part: _Part, found: list[Problem]) -> None:
    if len(element):
        found.append(problem(FORMAT, f"{local_name(element)} holds text, no elements.", element))
    for name in element.attrib:
        if not str(name).startswith("{"):
            found.append(problem(FORMAT, f"{local_name(element)} has no attributes.", element))
    _text(element, part, found, FORMAT)


def _text(element: _Element, part: _Part, found: list[Problem], code: str) -> None:
    if said := _wrong(element.text or "", part):
        found.append(problem(code, f"{local_name(element)} {said}.", element))


def _wrong(value: str, part: _Part) -> str | None:
    kind, facets = part.type, part.facets
    if kind is str:
        least, most = facets.get("min_length", 0), facets.get("max_length")
        if len(value) < least or (most is not None and len(value) > most):
            return f"has {len(value)} characters, not {least} to {most}"
        pattern = facets.get("pattern")
        if pattern is not None and not re.fullmatch(pattern, value):
            return "has not the form that the standard says"
        return None
    value = value.strip()
    if kind is Decimal:
        return _wrong_number(value, facets)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return None if any(value == member.value for member in kind) else "is none of the standard's codes"
    if kind is bool:
        return None if value in ("true", "false", "0", "1") else "is neither true nor false"
    reader = getattr(kind, "from_string", None)
    if reader is not None:
        try:
            reader(value)
        except (ValueError, TypeError):
            return "is no such date or time"
    return None


def _wrong_number(value: str, facets: Mapping[str, Any]) -> str | None:
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", value) or len(value) > 40:
        return "is no decimal number"
    try:
        number = Decimal(value).normalize()
    except InvalidOperation:
        return "is no decimal number"
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    decimals = max(0, -exponent)
    if decimals > facets.get("fraction_digits", decimals):
        return f"has {decimals} decimals, at most {facets['fraction_digits']} are allowed"
    if max(len(digits) + max(0, exponent), decimals) > facets.get("total_digits", 99):
        return f"has more than {facets['total_digits']} digits"
    least = facets.get("min_inclusive")
    return f"is below {least}" if least is not None and number < least else None


def _rules(kind: type[Any]) -> _Rules:
    found = _known.get(kind)
    if found is None:
        found = _known[kind] = _read_rules(kind)
    return found


def _read_rules(kind: type[Any]) -> _Rules:
    elements: dict[str, _Part] = {}
    attributes: dict[str, _Part] = {}
    text: _Part | None = None
    anything = False
    hints = typing.get_type_hints(kind)
    for order, described in enumerate(dataclasses.fields(kind)):
        about = described.metadata
        listed = typing.get_origin(hints[described.name]) is list
        required = bool(about.get("required"))
        inner = _inner(hints[described.name])
        least = about.get("min_occurs", 0) if listed else int(required)
        part = _Part(order, inner, least, about.get("max_occurs") if listed else 1, about)
        match about.get("type"):
            case "Element":
                elements[about["name"]] = part
            case "Attribute":
                attributes[about["name"]] = part
            case "Wildcard":
                anything = True
            case _:
                text = part
    return _Rules(elements, attributes, text, kind.__name__.endswith("Choice"), anything)


def _inner(hint: Any) -> Any:
    """``X`` of ``X``, ``None | X`` and ``list[X]``."""
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    return _inner(arguments[0]) if arguments else hint
