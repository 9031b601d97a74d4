"""Large XML files read record by record, with nothing in them that could make the reader read something else.

Decisions that govern this module:

* A document type is refused before anything of it is read: none of the lists has one, and entities live there.
* Names are local names; the root's namespace is told once, so that a file of another kind is known by it.
* A file that ends early is an error at its line, not a shorter list.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element
from xml.parsers import expat

from pyjpm.errors.screening import MalformedSanctionsList

_CHUNK: Final = 1 << 16
_DEEPEST: Final = 32


class Records:
    """The records of one file.

    Args:
        tags: local names of the elements that are records.

    Attributes:
        root: the root element with its attributes, and the texts of what stands in it outside of any record.
        namespace: of the root, or empty.
    """

    def __init__(self, path: Path, *tags: str) -> None:
        self.root = Element("")
        self.namespace = ""
        self._path = path
        self._tags = frozenset(tags)
        self._open: list[Element] = []
        self._within = 0  # depth at which the present record started
        self._done: list[tuple[Element, int]] = []
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def __iter__(self) -> Iterator[tuple[Element, int]]:
        """Each record with the line on which it ends.

        Raises:
            MalformedSanctionsList: the file cannot be read, is no XML, or has a document type.
        """
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    self._parser.Parse(chunk, False)
                    yield from self._taken()
                self._parser.Parse(b"", True)
                yield from self._taken()
        except OSError as error:
            raise malformed(self._path, f"cannot be read: {error.strerror}") from error
        except expat.ExpatError as error:
            raise malformed(self._path, f"is no whole XML: {error}", f"line {error.lineno}") from error

    def _taken(self) -> list[tuple[Element, int]]:
        taken, self._done = self._done, []
        return taken

    def _refuse(self, *_: object) -> None:
        raise malformed(self._path, "declares a document type", f"line {self._parser.CurrentLineNumber}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("}")
        element = Element(local, {key.rpartition("}")[2]: value for key, value in attributes.items()})
        if not self._open:
            self.root, self.namespace = element, namespace
        elif len(self._open) >= _DEEPEST:
            raise malformed(self._path, "is nested too deep", f"line {self._parser.CurrentLineNumber}")
        else:
            self._open[-1].append(element)
        self._open.append(element)
        if local in self._tags and not self._within:
            self._within = len(self._open)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if self._within == len(self._open) + 1:
            self._within = 0
            self._done.append((element, self._parser.CurrentLineNumber))
            if self._open:
                self._open[-1].remove(element)

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text


def texts(element: Element, path: str) -> list[str]:
    """The texts of all elements at a path, without surrounding space; empty ones left out."""
    return [found.text.strip() for found in element.iterfind(path) if found.text and found.text.strip()]


def text(element: Element, path: str) -> str:
    """The first of :func:`texts`, or nothing."""
    return next(iter(texts(element, path)), "")


def malformed(path: Path, what: str, place: str = "") -> MalformedSanctionsList:
    """The error about a file."""
    return MalformedSanctionsList(f"The sanctions list {path} {what}.", path=str(path), place=place)
