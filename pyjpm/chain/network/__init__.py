"""The files of a Besu network, and questions to one that runs.

``write_network`` makes what four or more nodes are started with; ``check_network`` asks running nodes whether they are
what pyjpm needs. Besu itself is not started here.
"""

from __future__ import annotations

from pyjpm.chain.network.allow import allow_accounts
from pyjpm.chain.network.check import check_network, client_tls, read_token
from pyjpm.chain.network.description import Description, read_description
from pyjpm.chain.network.findings import CheckReport, Finding, Level
from pyjpm.chain.network.plan import NetworkPlan
from pyjpm.chain.network.tokens import issue_token
from pyjpm.chain.network.write import write_network

__all__ = [
    "CheckReport",
    "Description",
    "Finding",
    "Level",
    "NetworkPlan",
    "allow_accounts",
    "check_network",
    "client_tls",
    "issue_token",
    "read_description",
    "read_token",
    "write_network",
]
