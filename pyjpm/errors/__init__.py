"""Every error that pyjpm raises, by name; one module per area, one class per cause.

All areas are imported here, so the lookups from Solidity errors to classes (``ContractError.by_solidity_name``) are
complete as soon as any error is imported. A test holds that no area is missing and that no two share a name or a code.
"""

from __future__ import annotations

from pyjpm.errors.artifacts import *
from pyjpm.errors.attesters import *
from pyjpm.errors.authorizations import *
from pyjpm.errors.bank import *
from pyjpm.errors.base import *
from pyjpm.errors.books import *
from pyjpm.errors.chain import *
from pyjpm.errors.clearances import *
from pyjpm.errors.contracts import *
from pyjpm.errors.custody import *
from pyjpm.errors.deployment import *
from pyjpm.errors.directory import *
from pyjpm.errors.documents import *
from pyjpm.errors.effects import *
from pyjpm.errors.escrow import *
from pyjpm.errors.governance import *
from pyjpm.errors.intake import *
from pyjpm.errors.iso20022 import *
from pyjpm.errors.ledger import *
from pyjpm.errors.mandates import *
from pyjpm.errors.money import *
from pyjpm.errors.network import *
from pyjpm.errors.openzeppelin import *
from pyjpm.errors.orders import *
from pyjpm.errors.outbox import *
from pyjpm.errors.policy import *
from pyjpm.errors.quotes import *
from pyjpm.errors.rails import *
from pyjpm.errors.refusals import *
from pyjpm.errors.registry import *
from pyjpm.errors.remittance import *
from pyjpm.errors.reserve import *
from pyjpm.errors.rules import *
from pyjpm.errors.screening import *
from pyjpm.errors.seeing import *
from pyjpm.errors.sending import *
from pyjpm.errors.settlement import *
from pyjpm.errors.shared_contracts import *
from pyjpm.errors.sponsors import *
from pyjpm.errors.token import *
from pyjpm.errors.treasury import *
from pyjpm.errors.upgrades import *
