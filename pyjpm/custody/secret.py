"""A value that shows in no text, copy or pickle of what holds it: a PIN, a header with a token."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

from pyjpm.errors.custody import KeyNotExportable

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a value until somebody asks for it by name."""

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def reveal(self) -> T:
        """The value itself, for the call that needs it."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise KeyNotExportable("A secret is not copied or pickled.")
