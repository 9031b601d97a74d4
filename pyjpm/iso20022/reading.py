"""XML of others, read without believing it: safely parsed, named by its namespace, every element with its place.

Decisions that govern this module:

* No DTD, no entity, no network: a document type declaration is refused before anything is parsed, in any encoding.
  What libxml2 holds against depth and size stays on.
* A place is a line and a path such as ``/Document/CstmrCdtTrfInitn/PmtInf[2]/CdtTrfTxInf[1]/Amt``: what a person finds
  in an editor, and a program by XPath (without namespaces).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyjpm.errors.iso20022 import (
    Iso20022ExtraMissing,
    MalformedMessage,
    MessageForbidden,
    MessageUnexpected,
    MessageUnknown,
)
from pyjpm.iso20022.names import MessageName

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES: Final = 64 * 1024 * 1024
_SHORTEST_PATH: Final = 1
_placed: ContextVar[tuple[_Element | None, str]] = ContextVar("_placed", default=(None, ""))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where.

    Attributes:
        code: an ISO 20022 external status reason code, such as ``AC03`` or ``FF01``.
        text: what is wrong, without quoting the message.
        line: in the file, 0 where unknown.
        path: of the element.
    """

    code: str
    text: str
    line: int
    path: str

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON-able data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was parsed.

    Attributes:
        name: which one, in which version.
        body: the element below ``Document``.
        sha256: of its bytes, hexadecimal.
    """

    name: MessageName
    body: _Element = field(repr=False)
    sha256: str


def parse(source: bytes | Path, *expected: str, most_bytes: int = MOST_BYTES) -> Message:
    """Reads a message.

    Args:
        source: its bytes, or a file.
        expected: which kinds it may be, such as ``pain.001``; any that is known if none is given.
        most_bytes: larger ones are refused.

    Raises:
        MalformedMessage: no well-formed XML.
        MessageForbidden: it has a document type declaration, or is too large or too deep.
        MessageUnknown: another namespace or version.
        MessageUnexpected: another kind than expected.
        Iso20022ExtraMissing
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    root = _root(data, most_bytes)
    from lxml import etree

    qualified = etree.QName(root)
    name = MessageName.of(qualified.namespace)
    if qualified.localname != "Document":
        raise MessageUnknown(
            "The outermost element is no Document.", namespace=qualified.namespace, supported=["Document"]
        )
    if expected and name.kind not in expected:
        raise MessageUnexpected(
            f"This is a {name}, not a {' or '.join(expected)}.", found=str(name), expected=list(expected)
        )
    wanted = _body_name(name)
    bodies = [each for each in root if isinstance(each.tag, str)]
    if len(bodies) != 1 or bodies[0].tag != f"{{{name.namespace}}}{wanted}":
        raise MalformedMessage(f"A {name} has exactly one {wanted} in its Document.", line=root.sourceline or 0)
    return Message(name, bodies[0], hashlib.sha256(data).hexdigest())


def _root(data: bytes, most_bytes: int) -> _Element:
    try:
        from lxml import etree
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("lxml is not installed.", module="lxml") from error
    if len(data) > most_bytes:
        raise MessageForbidden(f"The message has {len(data)} bytes.", reason="too large")
    # Zeros taken out: the same letters in UTF-16 and UTF-32.
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
        raise MessageForbidden("The message has a document type declaration.", reason="DOCTYPE")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root: _Element = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        if "depth" in str(error):
            raise MessageForbidden("The message is nested too deep.", reason="too deep") from None
        raise MalformedMessage(
            f"The message is no well-formed XML, at line {line}, column {column}.", line=line, column=column
        ) from None
    information = root.getroottree().docinfo
    if information.doctype or information.internalDTD is not None:
        raise MessageForbidden("The message has a document type declaration.", reason="DOCTYPE")
    return root


def _body_name(name: MessageName) -> str:
    from pyjpm.iso20022.checking import only_child

    return only_child(name.document)


# --- finding ---------------------------------------------------------------------------------------------------------


def find(element: _Element, path: str) -> _Element | None:
    """The first element at a path of local names below one, such as ``PmtId/EndToEndId``."""
    return element.find(_qualified(_namespace(element), path))


def find_all(element: _Element, path: str) -> list[_Element]:
    """All elements at a path below one, in their order."""
    found: list[_Element] = element.findall(_qualified(_namespace(element), path))
    return found


def text(element: _Element, *paths: str) -> str | None:
    """The text at the first of the paths that is there and not empty; blanks around it are not part of it."""
    for path in paths:
        found = find(element, path)
        if found is not None and found.text is not None and found.text.strip():
            return str(found.text).strip()
    return None


def paths(elements: Sequence[_Element]) -> Iterator[tuple[_Element, str]]:
    """Elements of one name below one parent, each with its path.

    While one is worked on, what is below it is placed from there: among ten thousand payments nobody counts to the
    one that is meant, ten thousand times.
    """
    above = "" if not elements else path_of(elements[0].getparent())
    for number, element in enumerate(elements, 1):
        path = f"{above}/{local_name(element)}" + (f"[{number}]" if len(elements) > 1 else "")
        before = _placed.set((element, path))
        try:
            yield element, path
        finally:
            _placed.reset(before)


def path_of(element: _Element) -> str:
    """Where an element is, in local names; with its number among those of its name where it has such siblings."""
    parts: list[str] = []
    current: _Element | None = element
    known, known_path = _placed.get()
    while current is not None:
        if current is known:
            return "/".join([known_path, *reversed(parts)])
        parent = current.getparent()
        part = local_name(current)
        if parent is not None:
            same = [each for each in parent if each.tag == current.tag]
            if len(same) > _SHORTEST_PATH:
                part += f"[{same.index(current) + 1}]"
        parts.append(part)
        current = parent
    return "/" + "/".join(reversed(parts))


def local_name(element: _Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def problem(code: str, said: str, element: _Element, path: str | None = None) -> Problem:
    """A problem at an element, or at the one on a path below it if that is there."""
    below = None if path is None else find(element, path)
    at = element if below is None else below
    return Problem(code, said, int(at.sourceline or 0), path_of(at))


@lru_cache(maxsize=1_024)
def _qualified(namespace: str, path: str) -> str:
    return "/".join(f"{{{namespace}}}{name}" for name in path.split("/"))


def _namespace(element: _Element) -> str:
    return str(element.tag)[1:].partition("}")[0]
