"""A group: which participants belong to it, and what they are called.

name = "Acme"

[[member]]
name = "Acme Inc"
participant = 12
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pyjpm.errors.treasury import GroupInvalid

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Member(BaseModel):
    """One company of a group."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Name
    participant: Annotated[int, Field(gt=0)]


class Group(BaseModel):
    """A group of companies that are participants of one platform."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Name
    member: Annotated[list[Member], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("name", "participant"):
            values = [getattr(each, what) for each in self.member]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two members have the {what} {', '.join(twice)}")
        return self

    @property
    def participants(self) -> frozenset[int]:
        """The members' ids."""
        return frozenset(each.participant for each in self.member)

    def name_of(self, participant: int) -> str:
        """A member's name; of another its number."""
        found = (each.name for each in self.member if each.participant == participant)
        return next(found, f"participant {participant}")


def load_group(path: Path) -> Group:
    """Read and check a group's file.

    Raises:
        GroupInvalid
    """
    try:
        return Group.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GroupInvalid(f"{path} is no group: {error}.", path=str(path), problems=[str(error)]) from None
    except ValidationError as error:
        problems = told(error)
        raise GroupInvalid(f"{path}: {'; '.join(problems)}.", path=str(path), problems=problems) from None


def told(error: ValidationError) -> list[str]:
    """Each problem with its place."""
    return [
        ": ".join(
            part
            for part in (
                ".".join(str(place) for place in detail["loc"]),
                detail["msg"].removeprefix("Value error, ").replace("Field required", "is missing"),
            )
            if part
        )
        for detail in error.errors()
    ]
