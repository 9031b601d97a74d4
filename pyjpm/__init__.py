"""pyjpm: bank money on a private EVM chain that moves when business says so.

The public face. Names are imported when they are first used, so that ``import pyjpm`` and the command line stay quick.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, Final

from pyjpm.version import __version__

if TYPE_CHECKING:
    from pyjpm.acts import Act
    from pyjpm.chain import Connection, DevClock, LocalAnvil
    from pyjpm.custody import Keystore, LocalSigner, Signer
    from pyjpm.deposits import Balance, Deposit, MintRoom, Redemption
    from pyjpm.documents import Document
    from pyjpm.errors.base import PyjpmError
    from pyjpm.money import Money
    from pyjpm.netting import NetPosition
    from pyjpm.order import MilestoneState, OpenedOrder, Order, OrderState, ToAttest
    from pyjpm.participants import Participant, identity_hash
    from pyjpm.payment import Payment, PaymentBatch, PaymentOrder
    from pyjpm.platform import Platform
    from pyjpm.record import DeploymentRecord
    from pyjpm.registration import Kind, Onboarding
    from pyjpm.remittance import DocumentKind, Remittance, RemittanceDocument, RemittanceKey, open_remittance
    from pyjpm.reserve import Backing, ReserveLine
    from pyjpm.restrictions import Flags
    from pyjpm.rule import DueRule, RuleExecution, RulePreview, RuleState, StandingRule
    from pyjpm.rule_terms import Condition, RuleTerms, Schedule
    from pyjpm.rules import RuleAction
    from pyjpm.sponsors import Sponsorship
    from pyjpm.status import Status
    from pyjpm.terms import Leg, LegKind, Milestone, Mode, OrderTerms, TradeTerms
    from pyjpm.trade import NetSettlement, SettledTrade, Trade, TradeState

_HOME: Final = {
    "Act": "acts",
    "Backing": "reserve",
    "Balance": "deposits",
    "Condition": "rule_terms",
    "Connection": "chain",
    "DeploymentRecord": "record",
    "Deposit": "deposits",
    "DevClock": "chain",
    "Document": "documents",
    "DocumentKind": "remittance",
    "DueRule": "rule",
    "Flags": "restrictions",
    "Keystore": "custody",
    "Kind": "registration",
    "Leg": "terms",
    "LegKind": "terms",
    "LocalAnvil": "chain",
    "LocalSigner": "custody",
    "Milestone": "terms",
    "MilestoneState": "order",
    "MintRoom": "deposits",
    "Mode": "terms",
    "Money": "money",
    "NetPosition": "netting",
    "NetSettlement": "trade",
    "Onboarding": "registration",
    "OpenedOrder": "order",
    "Order": "order",
    "OrderState": "order",
    "OrderTerms": "terms",
    "Participant": "participants",
    "Payment": "payment",
    "PaymentBatch": "payment",
    "PaymentOrder": "payment",
    "Platform": "platform",
    "PyjpmError": "errors.base",
    "Redemption": "deposits",
    "Remittance": "remittance",
    "RemittanceDocument": "remittance",
    "RemittanceKey": "remittance",
    "ReserveLine": "reserve",
    "RuleAction": "rules",
    "RuleExecution": "rule",
    "RulePreview": "rule",
    "RuleState": "rule",
    "RuleTerms": "rule_terms",
    "Schedule": "rule_terms",
    "SettledTrade": "trade",
    "Signer": "custody",
    "Sponsorship": "sponsors",
    "StandingRule": "rule",
    "Status": "status",
    "ToAttest": "order",
    "Trade": "trade",
    "TradeState": "trade",
    "TradeTerms": "terms",
    "identity_hash": "participants",
    "open_remittance": "remittance",
}

__all__ = [
    "Act",
    "Backing",
    "Balance",
    "Condition",
    "Connection",
    "DeploymentRecord",
    "Deposit",
    "DevClock",
    "Document",
    "DocumentKind",
    "DueRule",
    "Flags",
    "Keystore",
    "Kind",
    "Leg",
    "LegKind",
    "LocalAnvil",
    "LocalSigner",
    "Milestone",
    "MilestoneState",
    "MintRoom",
    "Mode",
    "Money",
    "NetPosition",
    "NetSettlement",
    "Onboarding",
    "OpenedOrder",
    "Order",
    "OrderState",
    "OrderTerms",
    "Participant",
    "Payment",
    "PaymentBatch",
    "PaymentOrder",
    "Platform",
    "PyjpmError",
    "Redemption",
    "Remittance",
    "RemittanceDocument",
    "RemittanceKey",
    "ReserveLine",
    "RuleAction",
    "RuleExecution",
    "RulePreview",
    "RuleState",
    "RuleTerms",
    "Schedule",
    "SettledTrade",
    "Signer",
    "Sponsorship",
    "StandingRule",
    "Status",
    "ToAttest",
    "Trade",
    "TradeState",
    "TradeTerms",
    "__version__",
    "identity_hash",
    "open_remittance",
]

# A library says nothing unless the application asks: handlers and levels are the application's.
logging.getLogger("pyjpm").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'pyjpm' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pyjpm.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
