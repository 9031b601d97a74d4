"""Token or SWIFT: one rail a payment, chosen by rules, told with its reasons."""

from __future__ import annotations

from pyjpm.rails.decision import Check, Considered, Decision
from pyjpm.rails.facts import Directory, Facts
from pyjpm.rails.filing import Routed, route
from pyjpm.rails.gateway import FolderGateway
from pyjpm.rails.instruction import Instruction, Party, load_instruction
from pyjpm.rails.makers import Mt103, Pacs008
from pyjpm.rails.message import MessageMaker, Transfer
from pyjpm.rails.payment import RailPayment, RailStatus
from pyjpm.rails.rails import Rails
from pyjpm.rails.rulebook import Rail, Rulebook, load_rulebook, parse_rulebook
from pyjpm.rails.store import Move

__all__ = [
    "Check",
    "Considered",
    "Decision",
    "Directory",
    "Facts",
    "FolderGateway",
    "Instruction",
    "MessageMaker",
    "Move",
    "Mt103",
    "Pacs008",
    "Party",
    "Rail",
    "RailPayment",
    "RailStatus",
    "Rails",
    "Routed",
    "Rulebook",
    "Transfer",
    "load_instruction",
    "load_rulebook",
    "parse_rulebook",
    "route",
]
