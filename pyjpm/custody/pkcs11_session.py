"""A login at a PKCS#11 token, kept alive: the one place that knows the library beneath.

Decisions that govern this module:

* python-pkcs11 initialises a module for a single thread, and some modules crash otherwise: one call at a time enters a
  module, under a lock for the process.
* What a token refuses is done again once, with session or module opened anew: an HSM restarts, and another login of
  this process may have logged out all. Signing twice does no harm: the mark is written, the content is the same.
* A PIN that was refused is never tried again, since a token locks after a few. It is kept for logging in anew.
* Of the library's errors only the name goes on: nobody checks what modules write into messages.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import pkcs11
from pkcs11 import exceptions as p11

from pyjpm.custody.secret import Secret
from pyjpm.errors.custody import (
    CustodyError,
    DeviceRefused,
    DeviceUnreachable,
    ModuleNotLoaded,
    PinLocked,
    TokenNotFound,
    WrongPin,
)

if TYPE_CHECKING:
    from pkcs11.types import Session, Token

T = TypeVar("T")

_WRONG_PIN: Final = (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange)
_LOCKED_PIN: Final = (p11.PinLocked, p11.PinExpired, p11.UserPinNotInitialized)
_NO_TOKEN: Final = (p11.NoSuchToken, p11.MultipleTokensReturned)
# What the token has not: for the caller to say.
_ANSWERS: Final = (p11.NoSuchKey, p11.MultipleObjectsReturned)
# It answered that it did not like what it was given; everything else counts as a device that is not there.
_REFUSALS: Final = (
    p11.MechanismInvalid,
    p11.DataInvalid,
    p11.DataLenRange,
    p11.AttributeTypeInvalid,
    p11.AttributeValueInvalid,
    p11.DomainParamsInvalid,
    p11.FunctionNotSupported,
    p11.FunctionRejected,
    p11.TemplateInconsistent,
    p11.TemplateIncomplete,
    p11.TokenWriteProtected,
    p11.SessionReadOnly,
    p11.KeyTypeInconsistent,
)


class _Module:
    """A module in this process: loaded once, let go by its last login, entered by one thread at a time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.logins = 0

    def library(self) -> Any:
        try:
            return pkcs11.lib(self.path)
        except p11.PKCS11Error:
            raise ModuleNotLoaded(f"{self.path} cannot be loaded as a PKCS#11 module.", path=self.path) from None


_modules: dict[str, _Module] = {}
_modules_lock: Final = threading.Lock()


class Pkcs11Session:
    """A login as user at a token. Any number of threads may use it, in the process that opened it.

    Args:
        module: the shared library of the HSM's maker.
        token: the token's label.
        pin: the user's PIN.

    Raises:
        ModuleNotLoaded, TokenNotFound, WrongPin, PinLocked, DeviceUnreachable
    """

    def __init__(self, module: Path, token: str, pin: str) -> None:
        self.device: Final = f"token {token!r}"
        self._label = token
        self._pin = Secret(pin)
        self._pin_refused: CustodyError | None = None
        self._process = os.getpid()
        self._session: Session | None = None
        self._cache: dict[Any, Any] = {}
        with _modules_lock:
            self._module = _modules.setdefault(str(module), _Module(str(module)))
        with self._module.lock:
            self._module.logins += 1
            try:
                self._open_or_renew()
            except BaseException:
                self._leave()
                raise
        self._is_open = True

    def __repr__(self) -> str:
        return f"Pkcs11Session({self.device})"

    def run(self, work: Callable[[Session], T]) -> T:
        """Does something with the session, alone in the module; once more after a new login if that was lost.

        Raises DeviceRefused, DeviceUnreachable, and as the constructor; NoSuchKey and MultipleObjectsReturned go on.
        """
        with self._module.lock:
            if not self._is_open or os.getpid() != self._process:
                raise DeviceUnreachable(
                    f"The login at {self.device} was closed, or opened by another process.",
                    device=self.device,
                    reason="closed" if not self._is_open else "forked",
                )
            try:
                return work(self._open_session())
            except p11.PKCS11Error:  # NoSuchKey too: private keys hide from whoever is not logged in
                self._open_or_renew()
            try:
                return work(self._open_session())
            except _ANSWERS:
                raise
            except p11.PKCS11Error as error:
                self._drop()
                self._refuse(error)

    def cached(self, name: Any, make: Callable[[Session], T]) -> Callable[[Session], T]:
        """What ``make`` finds in a session, found once a login."""

        def find(session: Session) -> T:
            if name not in self._cache:
                self._cache[name] = make(session)
            found: T = self._cache[name]
            return found

        return find

    def run_writing(self, work: Callable[[Session], T]) -> T:
        """Does something with a session of its own that may change the token. Raises as ``run``."""

        def writing(session: Session) -> T:
            with session.token.open(rw=True) as own:
                return work(own)

        return self.run(writing)

    def close(self) -> None:
        """Logs out. The module is let go with its last login."""
        with self._module.lock:
            if self._is_open and os.getpid() == self._process:
                self._is_open = False
                self._leave()

    def _leave(self) -> None:
        self._drop()
        self._module.logins -= 1
        if self._module.logins == 0:
            with contextlib.suppress(p11.PKCS11Error, ModuleNotLoaded):
                self._module.library().finalize()

    def _open_session(self) -> Session:
        if self._session is None:
            self._open_or_renew()
        if self._session is None:
            raise AssertionError("a session is open or an error was raised")
        return self._session

    def _open_or_renew(self) -> None:
        """Open a session; where that fails for other reasons than the PIN, with the module started anew."""
        self._drop()
        try:
            self._session = self._login()
        except p11.PKCS11Error as error:
            if isinstance(error, _WRONG_PIN + _LOCKED_PIN):
                self._refuse(error)
        if self._session is None:
            try:
                self._module.library().reinitialize()
                self._session = self._login()
            except p11.PKCS11Error as error:
                self._refuse(error)

    def _login(self) -> Session:
        if self._pin_refused is not None:
            raise type(self._pin_refused)(self._pin_refused.message, **self._pin_refused.details)
        token: Token = self._module.library().get_token(token_label=self._label)
        try:
            return token.open(user_pin=self._pin.reveal())
        except p11.UserAlreadyLoggedIn:
            return token.open()

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._cache.clear()
        if session is not None:
            with contextlib.suppress(p11.PKCS11Error):
                session.close()

    def _refuse(self, error: p11.PKCS11Error) -> NoReturn:
        reason, device = type(error).__name__, self.device
        if isinstance(error, _WRONG_PIN):
            self._pin_refused = WrongPin(f"The {device} refused the PIN.", device=device)
            raise self._pin_refused from None
        if isinstance(error, _LOCKED_PIN):
            self._pin_refused = PinLocked(f"The PIN of {device} is locked or expired.", device=device)
            raise self._pin_refused from None
        if isinstance(error, _NO_TOKEN):
            number = "more than one" if isinstance(error, p11.MultipleTokensReturned) else "no"
            raise TokenNotFound(f"The module {self._module.path} has {number} {device}.", device=device) from None
        if isinstance(error, _REFUSALS):
            raise DeviceRefused(f"The {device} refused: {reason}.", device=device, reason=reason) from None
        raise DeviceUnreachable(f"The {device} is not there: {reason}.", device=device, reason=reason) from None
