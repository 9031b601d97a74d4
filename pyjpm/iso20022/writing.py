"""Messages written: from plain nested data, by the standard's classes, checked before they leave.

Decisions that govern this module:

* What is written is a mapping of element names, in any order; the classes put it into the order of the standard, so
  that one description serves all versions that have the elements it names.
* Nothing that the standard does not allow is ever returned: it raises, with the places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyjpm.errors.iso20022 import Iso20022ExtraMissing, MessageNotWritable
from pyjpm.iso20022.names import MessageName

Plain = Mapping[str, Any]


def render(name: MessageName, body: Plain) -> bytes:
    """A message as UTF-8 XML.

    Args:
        body: what stands below the one element of its Document, by element names; None and empty parts are left out.
            The text of an element with attributes is under ``value``.

    Raises:
        MessageNotWritable, Iso20022ExtraMissing
    """
    try:
        from lxml import etree
        from xsdata.exceptions import ParserError
        from xsdata.formats.dataclass.parsers import DictDecoder
        from xsdata.formats.dataclass.parsers.config import ParserConfig
        from xsdata.formats.dataclass.serializers import XmlSerializer
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("xsdata or lxml is not installed.", module=str(error.name)) from error
    from pyjpm.iso20022.checking import check, only_child

    document = name.document
    strict = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
    try:
        made = DictDecoder(config=strict).decode({only_child(document): pruned(body)}, document)
        data = XmlSerializer().render(made, ns_map={None: name.namespace}).encode()
    except (ParserError, TypeError, ValueError) as error:
        raise MessageNotWritable(
            f"This does not make a {name}.", name=str(name), problems=[{"text": str(error)[:300]}]
        ) from error
    problems = check(etree.fromstring(data), document)
    if problems:
        raise MessageNotWritable(
            f"This makes no valid {name}: {problems[0].text} ({problems[0].path}).",
            name=str(name),
            problems=[each.to_dict() for each in problems],
        )
    return data


def pruned(plain: Any) -> Any:
    """Plain data without its empty parts: None, and mappings and lists with nothing in them."""
    if isinstance(plain, Mapping):
        kept = {key: pruned(value) for key, value in plain.items()}
        return {key: value for key, value in kept.items() if value is not None and value != {} and value != []}
    if isinstance(plain, Sequence) and not isinstance(plain, str | bytes):
        return [each for each in (pruned(value) for value in plain) if each is not None and each != {}]
    return plain
