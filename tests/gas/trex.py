"""T-REX (ERC-3643) as its package ships it: every contract behind its own proxy, one claim topic, ONCHAINID identities.

The identities themselves are not proxied, which is in T-REX's favour by one call and one read each.
"""

from __future__ import annotations

from typing import Any

from bench import Bench
from compiled import Published, published
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak

from pyjpm.contracts.codec import encode_parameters, signature_of
from pyjpm.terms import DAY

KYC = int.from_bytes(keccak(text="KYC"))
COUNTRY = 840
CLAIM_KEY, ECDSA = 3, 1
ZERO = "0x" + "00" * 20
PARTS = (  # as addAndUseTREXVersion names them
    "Token",
    "ClaimTopicsRegistry",
    "IdentityRegistry",
    "IdentityRegistryStorage",
    "TrustedIssuersRegistry",
    "ModularCompliance",
)


class TrexSuite:
    """A token, its registries and its compliance; owner and agent is the bank."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.claim_signer = Account.from_key(keccak(text="gas trex claim issuer"))
        self.authority = self._authority()
        topics = self._create("ClaimTopicsRegistryProxy", self.authority)
        issuers = self._create("TrustedIssuersRegistryProxy", self.authority)
        storage = self._create("IdentityRegistryStorageProxy", self.authority)
        self.registry = self._create("IdentityRegistryProxy", self.authority, issuers, topics, storage)
        self.compliance = self._create("ModularComplianceProxy", self.authority)
        self.token = self._create(
            "TokenProxy", self.authority, self.registry, self.compliance, "T-REX", "TREX", 2, ZERO
        )
        bank = bench.bank.session.wallet
        self._call("IdentityRegistryStorage", storage, "bindIdentityRegistry", self.registry)
        self._call("IdentityRegistry", self.registry, "addAgent", bank)
        self._call("Token", self.token, "addAgent", bank)
        self._call("ClaimTopicsRegistry", topics, "addClaimTopic", KYC)
        self.issuer = self._create("ClaimIssuer", bank)
        self._add_key(self.issuer, self.claim_signer.address)
        self._call("TrustedIssuersRegistry", issuers, "addTrustedIssuer", self.issuer, [KYC])
        self._call("Token", self.token, "unpause")

    def admit(self, account: str, minor: int) -> None:
        """Gives an account an identity with the issuer's claim, registers it, and mints to it."""
        bank = self.bench.bank.session.wallet
        identity, data = self._create("Identity", bank, False), b"known"
        parameters = [{"type": "address"}, {"type": "uint256"}, {"type": "bytes"}]
        said = keccak(encode_parameters(parameters, (identity, KYC, data)))
        signature = self.claim_signer.sign_message(encode_defunct(said)).signature
        self._call("Identity", identity, "addClaim", KYC, ECDSA, self.issuer, signature, data, "")
        self._call("IdentityRegistry", self.registry, "registerIdentity", account, identity, COUNTRY)
        if minor:
            self._call("Token", self.token, "mint", account, minor)

    def add_modules(self) -> None:
        """Countries that may hold, and how much an identity may transfer in a window of half a day.

        Transfers are measured a day apart, give or take the seconds of this machine: a window of a day was over by then
        or was not, as it happened.
        """
        self._add_module("CountryAllowModule", "batchAllowCountries", [COUNTRY])
        self._add_module("TimeTransfersLimitsModule", "setTimeTransferLimit", (DAY // 2, 10**9))

    def _add_module(self, name: str, function: str, *arguments: Any) -> None:
        initialize = keccak(text="initialize()")[:4]
        module = self._create("ModuleProxy", self._create(name), initialize)
        self._call("ModularCompliance", self.compliance, "addModule", module)
        setting = self._encode(published(name), function, arguments)
        self._call("ModularCompliance", self.compliance, "callModuleFunction", setting, module)

    def _authority(self) -> str:
        authority = self._create("TREXImplementationAuthority", True, ZERO, ZERO)
        parts = tuple(self._create(name) for name in PARTS)
        self._call("TREXImplementationAuthority", authority, "addAndUseTREXVersion", (4, 1, 6), parts)
        return authority

    def _add_key(self, identity: str, key: str) -> None:
        hashed = keccak(encode_parameters([{"type": "address"}], (key,)))
        self._call("ClaimIssuer", identity, "addKey", hashed, CLAIM_KEY, ECDSA)

    def _create(self, name: str, *arguments: Any) -> str:
        return self.bench.create(published(name).creation(*arguments))

    def _call(self, name: str, at: str, function: str, *arguments: Any) -> None:
        self.bench.send_raw(self.bench.bank, at, self._encode(published(name), function, arguments))

    @staticmethod
    def _encode(contract: Published, function: str, arguments: tuple[Any, ...]) -> bytes:
        entry = contract.function(function)
        return keccak(text=signature_of(entry))[:4] + encode_parameters(entry["inputs"], arguments)
