"""Terms of a mapping, and what they come to for one order.

Decisions that govern this module:

* Shares are cut off at the minor unit, and the one milestone that is "rest" takes what is left: nothing is lost, and a
  milestone that comes to nothing (30 % of one cent) is left out, since the escrow moves no zero.
* A row whose dates the escrow would refuse is reported here, with its line, rather than by a reverted transaction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Literal, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from pyjpm.errors.orders import RowUnusable
from pyjpm.money import Money
from pyjpm.orders.events import MilestoneMode, OrderMilestone, RowReason
from pyjpm.orders.section import AnySeconds, DayOrTime, EscrowSeconds, Section, SomeSeconds, Text
from pyjpm.orders.times import TimeReader

MAX_DATE_AHEAD: Final = 1096 * 86400
"""Seconds: how far after its opening a date of an order may lie."""
MAX_MILESTONES: Final = 16
MONTH: Final = 30 * 86400
HUNDRED: Final = Decimal(100)
REST: Final = "rest"


class Deadline(Section):
    """The last second that is in time: of a day in a column, of a time in a column, or counted from the opening."""

    end_of_day: Text | None = None
    at: Text | None = None
    after_opened: AnySeconds | None = None
    fixed: DayOrTime | None = None
    plus: AnySeconds = 0

    @model_validator(mode="after")
    def _one_base(self) -> Self:
        if sum(base is not None for base in (self.end_of_day, self.at, self.after_opened, self.fixed)) != 1:
            raise ValueError("must have one of end_of_day, at, after_opened and fixed")
        return self

    def of(self, row: dict[str, str], opened: int, times: TimeReader) -> int:
        """Unix seconds for this row.

        Raises:
            RowUnusable: MISSING_VALUE, BAD_DATE.
        """
        return self._base(row, opened, times) + self.plus

    def _base(self, row: dict[str, str], opened: int, times: TimeReader) -> int:
        if self.after_opened is not None:
            return opened + self.after_opened
        if self.fixed is not None:
            return times.last_second(self.fixed)
        column = self.end_of_day or self.at or ""
        if not row[column]:
            raise RowUnusable(f"{column} is empty.", reason=RowReason.MISSING_VALUE)
        return times.end_of_day(row[column]) if self.end_of_day else times.moment(row[column])


class MilestoneTerms(Section):
    """One milestone as a mapping describes it. Durations in seconds; ``share`` in percent, None for the rest."""

    mode: Literal["prefund", "on_attest"]
    share: Decimal | None = None
    required: Text
    attest_by: Deadline
    fund_by: Deadline | None = None
    inspection: EscrowSeconds = 0
    pay_within: SomeSeconds = MONTH
    ruling_within: SomeSeconds = MONTH
    partial: StrictBool = False

    @field_validator("share", mode="before")
    @classmethod
    def _percent_or_rest(cls, share: Any) -> Any:
        if share == REST:
            return None
        exact = isinstance(share, (int, Decimal)) and not isinstance(share, bool)
        if not exact or not (0 < share <= HUNDRED):
            raise ValueError('must be a percentage above 0 and at most 100, or "rest"')
        return Decimal(share)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.mode == "on_attest" and self.fund_by is not None:
            raise ValueError("fund_by is for prefund milestones")
        if self.partial and self.inspection:
            raise ValueError("a partial milestone has no inspection")
        return self

    def columns(self) -> set[str | None]:
        """The columns that its deadlines name."""
        deadlines = [self.attest_by] + ([self.fund_by] if self.fund_by else [])
        return {column for deadline in deadlines for column in (deadline.end_of_day, deadline.at)}


class When(Section):
    """Chooses orders by a column's value."""

    column: Text
    values: tuple[str, ...] = Field(alias="in", min_length=1)


class TermsRule(Section):
    """Terms, and the orders that have them."""

    name: Text
    when: When | None = None
    submit_grace: EscrowSeconds = 0
    fallback_to_seller: Decimal = Decimal(50)
    milestones: tuple[MilestoneTerms, ...]

    @field_validator("fallback_to_seller", mode="before")
    @classmethod
    def _basis_points(cls, percent: Any) -> Any:
        exact = isinstance(percent, (int, Decimal)) and not isinstance(percent, bool)
        if not exact or not (0 <= percent <= HUNDRED) or percent * 100 % 1:
            raise ValueError("must be a percentage from 0 to 100 with at most two decimals")
        return Decimal(percent)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        # not by Field bounds: those would add a second, misleading problem wherever a milestone has one
        if not 1 <= len(self.milestones) <= MAX_MILESTONES:
            raise ValueError(f"must have 1 to {MAX_MILESTONES} milestones")
        if len(self.milestones) == 1:
            if self.milestones[0].share not in (None, HUNDRED):
                raise ValueError('a single milestone is the whole: share 100, "rest" or none')
            return self
        shares = [milestone.share for milestone in self.milestones]
        if shares.count(None) != 1:
            raise ValueError('one of several milestones must be the "rest", which takes what rounding leaves')
        if sum(share for share in shares if share is not None) >= HUNDRED:
            raise ValueError('the shares leave nothing to the "rest"')
        if any(milestone.partial for milestone in self.milestones):
            raise ValueError("a partial milestone must be the only one")
        return self

    @property
    def fallback_basis_points(self) -> int:
        """The seller's part, 0 to 10,000, where a party disputed and nobody ruled."""
        return int(self.fallback_to_seller * 100)

    def needed_columns(self) -> set[str | None]:
        """The columns that these terms read."""
        chosen = {self.when.column} if self.when else set()
        return chosen.union(*(milestone.columns() for milestone in self.milestones))

    def matches(self, row: dict[str, str]) -> bool:
        """Whether the order of this row has these terms, unless earlier ones match."""
        return self.when is None or row[self.when.column] in self.when.values

    def milestones_of(
        self, row: dict[str, str], amount: Money, opened: int, times: TimeReader, numbers: dict[str, int]
    ) -> tuple[OrderMilestone, ...]:
        """What the terms come to for one order.

        Args:
            opened: unix seconds.
            numbers: of the statuses, by name.

        Raises:
            RowUnusable: MISSING_VALUE, BAD_DATE, BAD_DEADLINE.
        """
        amounts = self._amounts(amount)
        milestones = []
        for terms, minor in zip(self.milestones, amounts, strict=True):
            attest_by = terms.attest_by.of(row, opened, times)
            fund_by = 0
            if terms.mode == "prefund":
                fund_by = terms.fund_by.of(row, opened, times) if terms.fund_by else attest_by
                _check_dates(opened, fund_by, attest_by)
            _check_dates(opened, attest_by, attest_by)
            if minor:
                milestones.append(
                    OrderMilestone(
                        amount_minor=minor,
                        mode=MilestoneMode(terms.mode.upper()),
                        required=numbers[terms.required],
                        fund_by=fund_by,
                        attest_by=attest_by,
                        inspection=terms.inspection,
                        pay_within=terms.pay_within,
                        ruling_within=terms.ruling_within,
                        partial=terms.partial,
                    )
                )
        return tuple(milestones)

    def _amounts(self, amount: Money) -> list[int]:
        fixed = [
            None if terms.share in (None, HUNDRED) else amount.portion(terms.share).minor for terms in self.milestones
        ]
        rest = amount.minor - sum(minor for minor in fixed if minor is not None)
        return [rest if minor is None else minor for minor in fixed]


def _check_dates(opened: int, fund_by: int, attest_by: int) -> None:
    if fund_by < opened:
        raise RowUnusable("A deadline lies before the order's opening.", reason=RowReason.BAD_DEADLINE)
    if fund_by > attest_by:
        raise RowUnusable("The last second to fund lies after the last to attest.", reason=RowReason.BAD_DEADLINE)
    if attest_by - opened > MAX_DATE_AHEAD:
        raise RowUnusable("A deadline lies more than 1,096 days after the opening.", reason=RowReason.BAD_DEADLINE)
