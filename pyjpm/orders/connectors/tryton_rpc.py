"""Tryton's JSON-RPC, spoken plainly: neither trytond nor proteus is imported, for their licence and their weight.

Decisions that govern this module:

* One login, then a session: with basic authentication Tryton hashes the password in every call, ten times slower.
  A session that has run out is renewed once in a call, without a word.
* What says nothing about the question (no answer, a slow one, a server in trouble, too many requests) is
  ``SourceUnavailable``; what Tryton's business rules or rights say is ``SourceRefused``, with Tryton's own sentence.
* Nothing is repeated here but after a new login: a call that changes something is repeated by whoever knows whether it
  may be.
* The password and the session never reach an error, a log or a repr.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import urllib3

from pyjpm.errors.intake import SourceRefused, SourceUnavailable

TIMEOUT: Final = 10.0
_UNAUTHORIZED: Final = 401
_PASSING: Final = frozenset({404, 408, 423, 429, 500, 502, 503, 504})
"""Statuses that say nothing about the question: a database that is being restored is not found, either."""
_REFUSALS: Final = frozenset({"UserError", "UserWarning", "LoginException", "MissingDependenciesException"})


class TrytonRpc:
    """One database of one Tryton server, as one of its users. Safe among threads.

    Args:
        url: of the server, without the database and the ``/rpc/`` that belong after it.
        database: its name there.
        user: the login of a user of its own, with the rights that docs/tryton.md names.
        password: asked for at each login, so that it need not be kept here.
        timeout: seconds for one call to be answered.
        source: as errors name it.
    """

    def __init__(
        self,
        url: str,
        database: str,
        *,
        user: str,
        password: Callable[[], str],
        timeout: float = TIMEOUT,
        source: str = "tryton",
    ) -> None:
        self._url = f"{url.rstrip('/')}/{quote(database, safe='')}/rpc/"
        self._user = user
        self._password = password
        self._source = source
        # Not repeated and not followed by urllib3: a call may change something.
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=4)
        self._session: str | None = None
        # As Tryton's own clients do: the company and the language of the user's preferences.
        self._context: dict[str, Any] = {}
        self._logging_in = threading.Lock()

    def __repr__(self) -> str:
        return f"TrytonRpc({self._source!r}, user={self._user!r})"

    def call(self, method: str, *params: Any) -> Any:
        """One call, such as ``call("model.sale.sale.read", [1], ["number"])``; the context is added.

        Raises:
            SourceUnavailable: no answer, or one that says nothing; whether anything was changed is not known.
            SourceRefused: Tryton says no, or the login is wrong.
        """
        session = self._session or self._login(None)
        status, answer = self._post(method, [*params, self._context], session)
        if status == _UNAUTHORIZED:
            session = self._login(session)
            status, answer = self._post(method, [*params, self._context], session)
        return self._result(method, status, answer)

    def search_read(
        self, model: str, domain: list[Any], fields: list[str], *, order: list[list[str]], limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The records of a model that a domain fits, in an order. Raises as :meth:`call`."""
        found = self.call(f"model.{model}.search_read", domain, 0, limit, order, fields)
        if not isinstance(found, list):
            raise self._unavailable("an answer that is no list")
        return found

    def close(self) -> None:
        """Ends the session, if Tryton can be reached, and the connections."""
        session, self._session = self._session, None
        if session is not None:
            # Where this does not arrive, the session runs out by itself.
            with contextlib.suppress(SourceUnavailable):
                self._post("common.db.logout", [], session)
        self._pool.clear()

    # --- inside ---

    def _login(self, stale: str | None) -> str:
        """A session; a new one only where the present one is the one that is stale."""
        with self._logging_in:
            if self._session is not None and self._session != stale:
                return self._session
            self._session = None
            status, answer = self._post("common.db.login", [self._user, {"password": self._password()}], None)
            if status in (_UNAUTHORIZED, 403):
                raise self._refused(f"the login of {self._user!r}")
            result = self._result("common.db.login", status, answer)
            try:
                user_id, token, *_ = result
            except (TypeError, ValueError):
                raise self._unavailable("a login without a session") from None
            plain = f"{self._user}:{user_id}:{token}".encode()
            session = base64.b64encode(plain).decode("ascii")
            asked = "model.res.user.get_preferences"
            self._context = self._result(asked, *self._post(asked, [True, {}], session))
            self._session = session
            return session

    def _post(self, method: str, params: list[Any], session: str | None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if session is not None:
            headers["Authorization"] = f"Session {session}"
        body = json.dumps({"id": 0, "method": method, "params": params}, default=_encoded).encode()
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers)
            return response.status, json.loads(response.data, object_hook=_decoded) if response.status == 200 else None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unavailable(type(error).__name__) from None
        except (ValueError, KeyError, TypeError, ArithmeticError):
            raise self._unavailable("an answer that is no JSON of Tryton's") from None

    def _result(self, method: str, status: int, answer: Any) -> Any:
        if status in _PASSING:
            raise self._unavailable(f"HTTP {status}")
        if status != 200:
            raise self._refused(f"{method}: HTTP {status}")
        if not isinstance(answer, Mapping) or not ({"result", "error"} & set(answer)):
            raise self._unavailable("an answer that is no JSON of Tryton's")
        if "error" not in answer:
            return answer["result"]
        name, told = _error(answer["error"])
        if name in _REFUSALS:
            raise self._refused(f"{method}: {told}")
        # A traceback of Tryton's comes with it, which is not ours to show.
        raise self._unavailable(
            f"an error in Tryton ({name})" if name == "ConcurrencyException" else "an error in Tryton"
        )

    def _unavailable(self, cause: str) -> SourceUnavailable:
        return SourceUnavailable(f"{self._source} gave no usable answer: {cause}.", source=self._source, cause=cause)

    def _refused(self, cause: str) -> SourceRefused:
        return SourceRefused(f"{self._source} refuses {cause}.", source=self._source, cause=cause)


def _error(error: Any) -> tuple[str, str]:
    """The name of an error of Tryton's, and what it says to people."""
    match error:
        case [str(name), [str(told), *_]]:
            return name, told.rstrip(".")
        case [str(name), *_]:
            return name, name
    return "", ""


def _decoded(data: dict[str, Any]) -> Any:
    """Tryton's values: what JSON lacks is an object with ``__class__``."""
    match data.get("__class__"):
        case "Decimal":
            return Decimal(data["decimal"])
        case "date":
            return datetime.date(data["year"], data["month"], data["day"])
        case "datetime":
            parts = (data[name] for name in ("year", "month", "day", "hour", "minute", "second", "microsecond"))
            return datetime.datetime(*parts)
        case "bytes":
            return base64.b64decode(data["base64"])
    return data


def _encoded(value: Any) -> Any:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case datetime.datetime():
            names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
            return {"__class__": "datetime", **{name: getattr(value, name) for name in names}}
    raise TypeError(f"{type(value).__name__} is no value of Tryton's")
