"""Standing rules: rent, payroll, cash concentration, split revenue, by nobody's hand.

The payer proposes a rule and gives its mandate, with a signature that anyone may bring; the named approvers approve the
same document; anyone arms it. From then on anyone, such as ``scripts/keeper.py``, executes each due period once.

    rent = payer.rules.propose(
        payer.rules.pay(Money("2500.00", "EUR"), landlord), Schedule.monthly(1, "09:00"),
        end=..., rule_reference="lease 12", approvers=[treasurer, controller], threshold=2)
    rent = payer.rules.authorize(rent)
    rent = payer.rules.collect([treasurer.rules.approve(rent), controller.rules.approve(rent)])
    payer.rules.submit_mandate(rent, idempotency_key="mandate of lease 12").wait()
    payer.rules.arm(rent, idempotency_key="arm lease 12").wait()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.clearance import request_word, ride
from pyjpm.contracts.decoding import decode_revert
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document, whole_number
from pyjpm.errors.deployment import InvalidRequest, RulesNotDeployed
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument, SignatureMissing
from pyjpm.errors.rules import NotApprover, NotRulePayer
from pyjpm.money import Money
from pyjpm.order import OrderState
from pyjpm.rule import DueRule, MandateStatus, RuleExecution, RuleMove, RulePreview, RuleState, StandingRule
from pyjpm.rule_terms import WHOLE, ActionKind, Condition, RulePayee, RuleTerms, Schedule
from pyjpm.session import Session, reference_hash
from pyjpm.terms import DAY

CONTRACT: Final = "PaymentRules"
KIND: Final = "payment-rule"

_STATES: Final = tuple(RuleState)
_MANDATES: Final = tuple(MandateStatus)

Shares = int | str | Mapping[int | str, int | str | Decimal]
"""One payee, a participant id or a wallet; or each with its percentage, 100 together."""


@dataclass(frozen=True, slots=True)
class RuleAction:
    """How much a rule moves, and to whom. Made by ``rules.pay``, ``rules.sweep_above`` and ``rules.top_up``."""

    kind: ActionKind
    amount: Money
    payees: tuple[RulePayee, ...]


class Rules:
    """``platform.rules``. Safe among threads.

    Raises:
        RulesNotDeployed: every call, on a platform that was deployed without rules.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- what a rule is made of ---

    def pay(self, amount: Money, to: Shares) -> RuleAction:
        """A fixed amount a period, to one payee or by percentages."""
        return RuleAction(ActionKind.PAY, amount.require_positive(), self._payees(to))

    def sweep_above(self, floor: Money, to: Shares) -> RuleAction:
        """Whatever the payer has available above the floor."""
        return RuleAction(ActionKind.SWEEP_ABOVE, floor, self._payees(to))

    def top_up(self, level: Money, to: int | str) -> RuleAction:
        """What the payee's balance lacks of the level."""
        return RuleAction(ActionKind.TOP_UP, level.require_positive(), self._payees(to))

    def balance_at_least(self, who: int | str, amount: Money) -> Condition:
        """A wallet (a participant's current one) has at least that, held and frozen included."""
        return Condition.balance_at_least(*self._measured(who, amount))

    def balance_at_most(self, who: int | str, amount: Money) -> Condition:
        """A wallet has at most that, held and frozen included."""
        return Condition.balance_at_most(*self._measured(who, amount))

    def available_at_least(self, who: int | str, amount: Money) -> Condition:
        """A wallet could pay at least that."""
        return Condition.available_at_least(*self._measured(who, amount))

    def available_at_most(self, who: int | str, amount: Money) -> Condition:
        """A wallet could pay at most that."""
        return Condition.available_at_most(*self._measured(who, amount))

    def milestone_in(self, order: str, milestone: int, *states: OrderState) -> Condition:
        """An order's milestone is in one of the states. ``order`` is its id, ``0x…``."""
        bits = sum(1 << list(OrderState).index(state) for state in set(states))
        escrow = self._session.address("OrderEscrow")
        return Condition.milestone_in(escrow, reference_hash(bytes.fromhex(order[2:])), milestone, bits)

    def attested(self, order: str, milestone: int, status: int, *, least_seq: int = 1) -> Condition:
        """An order's milestone was last attested with that status, in this revision of its source or a later one."""
        escrow, order_id = self._session.address("OrderEscrow"), reference_hash(bytes.fromhex(order[2:]))
        return Condition.attested(escrow, order_id, milestone=milestone, status=status, least_seq=least_seq)

    # --- agreeing ---

    def propose(
        self,
        action: RuleAction,
        schedule: Schedule,
        *,
        end: int,
        rule_reference: str | bytes,
        trigger: Condition | None = None,
        payer: str | None = None,
        start: int | None = None,
        catch_up: bool = False,
        cap_per_payment: Money | None = None,
        cap_per_period: Money | None = None,
        cap_period: int = DAY,
        approvers: Sequence[str] | None = None,
        threshold: int | None = None,
    ) -> Document:
        """Terms of a rule, not agreed to by anyone yet.

        Args:
            end: last second in which anything is paid, unix seconds.
            trigger: what must be true besides; None: that a period is due is enough.
            payer: the wallet that pays; the acting one by default.
            start: no period due before it counts; now (chain time) by default.
            catch_up: missed periods are paid one by one; else only the last one that is due.
            cap_per_payment: what the mandate lets pass at once; by default the amount, which a sweep or top-up must
                not rely on.
            cap_per_period: what it lets pass in each ``cap_period`` seconds from start; ``cap_per_payment`` by default.
            approvers: addresses, of whom ``threshold`` (all by default) arm; the payer's wallet alone by default.

        Raises:
            InvalidRequest: currencies differ, or a sweep has no cap.
        """
        session = self._session
        wallet = to_checksum_address(payer or session.wallet)
        if cap_per_payment is None and action.kind is not ActionKind.PAY:
            raise InvalidRequest("What a sweep or top-up moves is not known beforehand: give cap_per_payment.")
        most = cap_per_payment or action.amount
        in_period = cap_per_period or most
        if {most.currency, in_period.currency} != {action.amount.currency}:
            raise InvalidRequest("The caps are in another currency than the action.")
        people = tuple(map(to_checksum_address, approvers if approvers is not None else [wallet]))
        terms = RuleTerms(
            payer=wallet,
            token=session.address(action.amount.currency),
            rule_reference=reference_hash(rule_reference),
            action=action.kind,
            amount=action.amount.minor,
            payees=action.payees,
            schedule=schedule,
            start=session.now() if start is None else start,
            end=end,
            cap_per_payment=most.minor,
            cap_per_period=in_period.minor,
            cap_period=cap_period,
            approvers=people,
            threshold=len(people) if threshold is None else threshold,
            catch_up=catch_up,
            trigger=() if trigger is None else trigger.nodes,
        )
        return Document(KIND, session.record.chain_id, self._address(), terms.to_body())

    def authorize(self, document: Document, *, valid_for: int = DAY) -> Document:
        """The document with the payer's signed mandate, which anyone may submit within ``valid_for`` seconds.

        Raises:
            NotRulePayer: the acting wallet is not the payer.
        """
        session, terms = self._session, self._terms(document)
        self._require_payer(terms)
        deadline, nonce = session.now() + valid_for, session.next_nonce()
        message = {"mandate": terms.mandate(self._address()), "nonce": nonce, "deadline": deadline}
        signature = session.sign(session.record.currency_of(terms.token), "RegisterMandate", message)
        part = {"nonce": str(nonce), "deadline": deadline, "signature": "0x" + signature.hex()}
        return self._attached(document, session.wallet, "mandate", part)

    def request_clearance(self, document: Document, *, valid_for: int = DAY) -> Document:
        """Asks the bank to clear the mandate in the document: for a payer whose money moves with clearances only.

        Raises:
            SignatureMissing: the payer has not authorized the rule.
        """
        session, terms = self._session, self._terms(document)
        message, _ = self._signed_mandate(document, terms)
        currency, until = session.record.currency_of(terms.token), session.now() + valid_for
        return request_word(session, currency, "RegisterMandate", message, to_checksum_address(terms.payer), until)

    def with_clearance(self, document: Document, clearance: Document) -> Document:
        """The document with the bank's clearance riding along with the payer's mandate.

        Raises:
            SignatureMissing: the payer has not authorized the rule, or nobody cleared it.
        """
        terms = self._terms(document)
        _, signature = self._signed_mandate(document, terms)
        wallet = to_checksum_address(terms.payer)
        part = {**document.attachments[wallet]["mandate"], "signature": "0x" + ride(signature, clearance).hex()}
        return self._attached(document, wallet, "mandate", part)

    def approve(self, document: Document, *, valid_for: int = DAY) -> Document:
        """The document with the acting approver's signature for the rule's present round.

        Raises:
            NotApprover: the rule does not name the acting wallet.
        """
        session, terms = self._session, self._terms(document)
        if session.wallet not in [to_checksum_address(each) for each in terms.approvers]:
            raise NotApprover.from_arguments({"caller": session.wallet})
        approval = self._approval(terms, self._state(terms)["round"], session.now() + valid_for)
        signature = session.sign(CONTRACT, "RuleApproval", approval)
        part = {
            "round": approval["round"],
            "deadline": approval["deadline"],
            "signature": "0x" + signature.hex(),
        }
        return self._attached(document, session.wallet, "approval", part)

    def collect(self, documents: Sequence[Document]) -> Document:
        """One document with the mandate and approvals of all.

        Raises:
            DocumentsDiffer: they are not about the same rule.
        """
        if not documents:
            raise DocumentsDiffer("There is nothing to collect.")
        collected = documents[0]
        for document in documents[1:]:
            self._terms(document)
            if dict(document.body) != dict(collected.body):
                raise DocumentsDiffer("The documents are about different rules.")
            for wallet, parts in document.attachments.items():
                for name, part in parts.items():
                    collected = self._attached(collected, wallet, name, part)
        return collected

    # --- onto the chain ---

    def register_mandate(self, document: Document, *, idempotency_key: str) -> Act:
        """The payer itself gives its mandate."""
        terms = self._terms(document)
        self._require_payer(terms)
        arguments = (terms.mandate(self._address()),)
        return self._send(terms, "registerMandate", arguments, idempotency_key, token=True)

    def submit_mandate(self, document: Document, *, idempotency_key: str) -> Act:
        """Brings the mandate that the payer has signed; anyone may.

        Raises:
            SignatureMissing: the document carries none.
        """
        terms = self._terms(document)
        message, signature = self._signed_mandate(document, terms)
        arguments = (message["mandate"], message["nonce"], message["deadline"], signature)
        return self._send(terms, "registerMandateBySignature", arguments, idempotency_key, token=True)

    def arm(self, document: Document, *, idempotency_key: str) -> Act:
        """Arms the rule with the approvals in the document, and those by transaction; anyone may.

        Raises:
            SignatureNotOf: an approval is not its approver's.
            ContractError: see :mod:`pyjpm.errors.rules`.
        """
        terms = self._terms(document)
        present = self._state(terms)["round"]
        approvals = []
        for approver, part in self._parts(document, "approval"):
            try:
                given, deadline = part["round"], part["deadline"]
                signature = bytes.fromhex(part["signature"][2:])
            except (KeyError, TypeError, ValueError) as error:
                raise MalformedDocument(f"An approval is malformed: {error!r}.") from error
            if given != present:
                continue
            message = self._approval(terms, given, deadline)
            digest = TypedMessage(self._session.domain(CONTRACT), "RuleApproval", message).digest
            self._session.require_signed_by(approver, digest, signature)
            approvals.append({"approver": approver, "deadline": deadline, "signature": signature})
        content = {"round": present}
        return self._send(terms, "arm", (terms.to_message(), approvals), idempotency_key, content)

    def approve_on_chain(self, document: Document, *, idempotency_key: str) -> Act:
        """The acting approver approves by a transaction of its own."""
        terms = self._terms(document)
        content = {"round": self._state(terms)["round"]}
        return self._send(terms, "approve", (terms.to_message(),), idempotency_key, content)

    def execute(self, document: Document, period: int | None = None, *, idempotency_key: str) -> Act:
        """Does one period; anyone may. A key stands for one period of one rule: by default for the next one when it was
        first used.

        Raises:
            ContractError: nothing moved; see :mod:`pyjpm.errors.rules`, ``mandates`` and ``refusals``.
        """
        terms = self._terms(document)
        chosen = self._said(terms, "execute", "period", idempotency_key) if period is None else period
        if chosen is None:
            chosen = self.due([document])[0].period
        arguments = (terms.to_message(), chosen)
        return self._send(terms, "execute", arguments, idempotency_key, {"period": chosen})

    def pause(self, document: Document, *, idempotency_key: str) -> Act:
        """Stops the rule at once; arming it again takes new approvals. By any wallet of the payer."""
        terms = self._terms(document)
        state = self._state(terms)
        armed = _STATES[state["state"]] is RuleState.ARMED
        # A pause begins a round. Asked for again it is the one that was, unless the rule runs once more.
        said = None if armed else self._said(terms, "pause", "round", idempotency_key)
        content = {"round": state["round"] if said is None else said}
        return self._send(terms, "pause", (terms.to_message(),), idempotency_key, content)

    def cancel(self, document: Document, *, idempotency_key: str) -> Act:
        """Stops the rule at once and for ever. By any wallet of the payer."""
        terms = self._terms(document)
        said = self._said(terms, "cancel", "round", idempotency_key)
        content = {"round": self._state(terms)["round"] if said is None else said}
        return self._send(terms, "cancel", (terms.to_message(),), idempotency_key, content)

    def revoke_mandate(self, document: Document, *, idempotency_key: str) -> Act:
        """Revokes the mandate at the token, at once and for ever. By any wallet of the payer, or compliance."""
        terms = self._terms(document)
        mandate_id = self._session.call(
            self._session.record.currency_of(terms.token), "mandateId", terms.mandate(self._address())
        )
        return self._send(terms, "revokeMandate", (mandate_id,), idempotency_key, token=True)

    # --- looking ---

    def get(self, document: Document) -> StandingRule:
        """The rule as the chain has it."""
        session, terms = self._session, self._terms(document)
        state = self._state(terms)
        currency = session.record.currency_of(terms.token)
        status, left = session.call(currency, "mandateState", terms.mandate(self._address()))
        by = [each for place, each in enumerate(terms.approvers) if state["approvals"] >> place & 1]
        return StandingRule(
            id="0x" + terms.id.hex(),
            state=_STATES[state["state"]],
            round=state["round"],
            approvers=tuple(by),
            next_period=state["next"],
            mandate=_MANDATES[status],
            left=Money.from_minor(left, currency),
        )

    def preview(self, document: Document, period: int | None = None) -> RulePreview:
        """What executing the next period, or that one, would do now. Tried by the node; nothing happens.

        Raises:
            InvalidRule, InvalidTrigger, TriggerTooLarge: the rule could not be armed.
        """
        terms = self._terms(document)
        message = terms.to_message()
        asked = ("preview", message) if period is None else ("previewPeriod", message, period)
        answer = self._session.call(CONTRACT, *asked)
        moves = (
            RuleMove(
                to=move["to"],
                amount=self._session.money(move["amount"], terms.token),
                reference="0x" + move["ref"].hex(),
            )
            for move in answer["moves"]
        )
        return RulePreview(
            period=answer["period"],
            due_at=answer["dueAt"],
            nodes=tuple(answer["nodes"]),
            met=answer["met"],
            moves=tuple(moves),
            problem=decode_revert(answer["problem"]) if answer["problem"] else None,
        )

    def due(self, documents: Sequence[Document]) -> tuple[DueRule, ...]:
        """Which rules are due now. What the tokens would refuse only :meth:`preview` says."""
        terms = [self._terms(document) for document in documents]
        answers = self._session.call(CONTRACT, "due", [each.to_message() for each in terms])
        return tuple(
            DueRule(id="0x" + each.id.hex(), due=found["due"], period=found["period"], due_at=found["dueAt"])
            for each, found in zip(terms, answers, strict=True)
        )

    def executions(self, document: Document) -> Iterator[RuleExecution]:
        """The periods done, oldest first; pages itself."""
        terms = self._terms(document)
        for event in self._session.events(CONTRACT, "RuleExecuted", terms.id):
            told = event.arguments
            yield RuleExecution(
                period=told["period"],
                payments=told["payments"],
                amount=self._session.money(told["amount"], terms.token),
                block=event.block,
                tx=event.tx,
            )

    # --- inside ---

    def _address(self) -> str:
        if CONTRACT not in self._session.record.contracts:
            raise RulesNotDeployed("The platform's record names no payment rules.")
        return self._session.address(CONTRACT)

    def _terms(self, document: Document) -> RuleTerms:
        document.require(KIND, self._session.record.chain_id, self._address())
        if not all(isinstance(parts, Mapping) for parts in document.attachments.values()):
            raise MalformedDocument("What is attached to the rule is malformed.")
        return RuleTerms.from_body(document.body)

    def _state(self, terms: RuleTerms) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._session.call(CONTRACT, "stateOf", terms.id)
        return found

    def _said(self, terms: RuleTerms, function: str, what: str, key: str) -> int | None:
        """What the key stands for where it was used for this call before: what the call did is no other call."""
        earlier = self._session.journal.find(self._session.wallet, key)
        if earlier is None or earlier.kind != f"rules.{function}" or earlier.content["rule"] != "0x" + terms.id.hex():
            return None
        return int(earlier.content[what])

    def _signed_mandate(self, document: Document, terms: RuleTerms) -> tuple[dict[str, Any], bytes]:
        """What the payer has signed, and its signature."""
        try:
            part = document.attachments[to_checksum_address(terms.payer)]["mandate"]
        except KeyError as error:
            raise SignatureMissing("The rule carries no mandate.", kind=KIND, by=terms.payer) from error
        try:
            signature = bytes.fromhex(part["signature"][2:])
            message = {
                "mandate": terms.mandate(self._address()),
                "nonce": whole_number(part["nonce"]),
                "deadline": part["deadline"],
            }
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The mandate is malformed: {error!r}.") from error
        return message, signature

    def _require_payer(self, terms: RuleTerms) -> None:
        wallet = self._session.wallet
        if wallet != to_checksum_address(terms.payer):
            raise NotRulePayer.from_arguments({"caller": wallet, "payer": terms.payer})

    def _measured(self, who: int | str, amount: Money) -> tuple[str, str, int]:
        return self._session.address(amount.currency), self._session.wallet_of(who), amount.minor

    def _payees(self, to: Shares) -> tuple[RulePayee, ...]:
        if not isinstance(to, Mapping):
            return (self._payee(to, WHOLE),)
        payees = tuple(self._payee(who, _basis_points(percent)) for who, percent in to.items())
        if sum(payee.share for payee in payees) != WHOLE:
            raise InvalidRequest("The percentages do not add up to 100.")
        return payees

    def _payee(self, who: int | str, share: int) -> RulePayee:
        if isinstance(who, int):
            return RulePayee(participant=who, share=share)
        wallet = self._session.wallet_of(who)
        return RulePayee(participant=self._session.participant_of(wallet), wallet=wallet, share=share)

    def _approval(self, terms: RuleTerms, number: int, deadline: int) -> dict[str, Any]:
        return {"ruleId": terms.id, "round": number, "deadline": deadline}

    def _parts(self, document: Document, name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
        for wallet, parts in document.attachments.items():
            if name in parts:
                yield wallet, parts[name]

    def _attached(self, document: Document, wallet: str, name: str, part: Mapping[str, Any]) -> Document:
        return document.attached(wallet, {**document.attachments.get(wallet, {}), name: part})

    def _send(
        self,
        terms: RuleTerms,
        function: str,
        arguments: tuple[Any, ...],
        key: str,
        content: Mapping[str, Any] | None = None,
        *,
        token: bool = False,
    ) -> Act:
        """Sends one call. ``content`` is what the key stands for: never signatures, which may be renewed."""
        session, rule = self._session, "0x" + terms.id.hex()
        submission = session.submit(
            kind=f"rules.{function}",
            key=key,
            content={"rule": rule, **(content or {})},
            contract=session.record.currency_of(terms.token) if token else CONTRACT,
            function=function,
            arguments=arguments,
            reference=rule,
        )
        return Act.of(session, submission)


def _basis_points(percent: int | str | Decimal) -> int:
    """A percentage with at most two decimals as parts of 10,000."""
    try:
        exact = Decimal(percent) * 100
        points = int(exact)
    except (InvalidOperation, ValueError, OverflowError, TypeError) as error:
        raise InvalidRequest(f"{percent!r} is no percentage.", percent=str(percent)) from error
    if exact != points or points <= 0:
        raise InvalidRequest(f"A share is a positive percentage with at most two decimals, not {percent}.")
    return points
