"""Group treasury: accounts in one view, proposals for netting and sweeping, and what it saved. See docs/treasury.md."""

from __future__ import annotations

from pyjpm.treasury.assumptions import Assumptions, Correspondent, load_assumptions
from pyjpm.treasury.group import Group, Member, load_group
from pyjpm.treasury.payables import Payable, load_payables
from pyjpm.treasury.picture import picture
from pyjpm.treasury.proposals import Netting, Sweep, propose_netting, propose_sweeps
from pyjpm.treasury.report import TreasuryReport, report
from pyjpm.treasury.view import GroupView, Position, view

__all__ = [
    "Assumptions",
    "Correspondent",
    "Group",
    "GroupView",
    "Member",
    "Netting",
    "Payable",
    "Position",
    "Sweep",
    "TreasuryReport",
    "load_assumptions",
    "load_group",
    "load_payables",
    "picture",
    "propose_netting",
    "propose_sweeps",
    "report",
    "view",
]
