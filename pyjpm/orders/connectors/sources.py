"""Connectors by name: what ``pyjpm orders watch --source NAME`` polls.

A connector of one's own is a Python file with a function ``connect(settings)``, given instead of a name. It is a
program of the user's, and runs with the rights of the process.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pyjpm.errors.intake import WatchInvalid
from pyjpm.orders.connectors.connector import Connector
from pyjpm.orders.connectors.fields import EventFields
from pyjpm.orders.rows import FileLayout

POLLED: Final = ("csv", "json", "stdin", "odoo", "tryton", "tryton-purchases")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What a connector is made from; each takes what it needs of it.

    Attributes:
        source: the source's name in events, where they name none.
        fields, layout: how events are written in files, by the mapping.
        folder: of files.
        url, database, user: of a server.
        password: asked for when it is needed; the settings do not keep it.
        options: whatever else a connector of one's own wants.
    """

    source: str
    fields: EventFields
    layout: FileLayout = field(default_factory=FileLayout)
    folder: Path | None = None
    url: str | None = None
    database: str | None = None
    user: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def need(self, name: str) -> Any:
        """One of them, which the source cannot do without. Raises WatchInvalid."""
        value = getattr(self, name)
        if value is None:
            option = {"database": "erp-database", "password": "password-file"}.get(name, name)
            raise WatchInvalid(f"This source needs --{option}.", option=option)
        return value


def open_source(kind: str, settings: SourceSettings) -> Connector:
    """The connector of a name of :data:`POLLED`, or of a Python file.

    Raises:
        WatchInvalid: no such source, something that it needs is not given, or the file makes no connector.
    """
    if kind.endswith(".py"):
        return _own(Path(kind), settings)
    if kind == "csv":
        from pyjpm.orders.connectors.folder import csv_folder

        return csv_folder(settings.need("folder"), settings.fields, settings.layout)
    if kind == "json":
        from pyjpm.orders.connectors.folder import json_folder

        return json_folder(settings.need("folder"), settings.fields)
    if kind == "stdin":
        from pyjpm.orders.connectors.stream import StreamConnector

        # A copy of its own: a thread that still reads sys.stdin when the process ends would make it crash.
        return StreamConnector(os.fdopen(os.dup(sys.stdin.fileno()), "rb"), settings.fields)
    if kind == "odoo":
        return _odoo(settings)
    if kind == "tryton":
        from pyjpm.orders.connectors.tryton import TrytonConnector

        return TrytonConnector.connect(settings)
    if kind == "tryton-purchases":
        from pyjpm.orders.connectors.tryton_purchases import TrytonPurchases

        return TrytonPurchases.connect(settings)
    raise WatchInvalid(
        f"There is no source {kind!r}: it is one of {', '.join((*POLLED, 'webhook'))}, or a Python file.",
        option="source",
    )


def _odoo(settings: SourceSettings) -> Connector:
    from pyjpm.orders.connectors.odoo import OdooConnector, OdooJsonRpc, OdooXmlRpc

    protocols: Mapping[str, Any] = {"json-rpc": OdooJsonRpc, "xml-rpc": OdooXmlRpc}
    protocol = settings.options.get("protocol", "json-rpc")
    if protocol not in protocols:
        raise WatchInvalid(f"Odoo speaks {' and '.join(protocols)}, not {protocol!r}.", option="option protocol")
    return OdooConnector(
        protocols[protocol](settings.need("url"), source=settings.source),
        settings.need("database"),
        user=settings.need("user"),
        password=settings.need("password"),
        source=settings.source,
    )


def _own(path: Path, settings: SourceSettings) -> Connector:
    spec = importlib.util.spec_from_file_location(f"pyjpm_connector_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise WatchInvalid(f"There is no Python file {path}.", option="source")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses of the file look their module up.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(spec.name, None)
        raise WatchInvalid(f"{path} cannot be loaded: {type(error).__name__}: {error}.", option="source") from error
    connect = getattr(module, "connect", None)
    made: Any = connect(settings) if callable(connect) else None
    if not isinstance(getattr(made, "name", None), str) or not callable(getattr(made, "poll", None)):
        raise WatchInvalid(f"{path} has no function connect(settings) that returns a connector.", option="source")
    connector: Connector = made
    return connector
