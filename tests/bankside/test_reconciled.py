"""What the bank side did with a statement is what a reconciliation with the same statement finds."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path

from bank_messages import CLIENT_IBAN, Entry, notice
from house import House, dollars, settle

from pyjpm import LocalSigner
from pyjpm.bank import PayoutDetails
from pyjpm.bank.details import payout_name
from pyjpm.chain import LocalAnvil
from pyjpm.iso20022 import Account, Agent, Original, Party, Return, write_returns
from pyjpm.iso20022.booked import booked_entries
from pyjpm.iso20022.statement_reading import read_bank_message
from pyjpm.ledger import BreakKind, Ledger
from pyjpm.ledger.matching import Payout
from pyjpm.testing import backed_platform, new_company

DETAILS = PayoutDetails.make(Party(name="Contoso", country="GB"), Account(iban=CLIENT_IBAN), Agent(bic="NWBKGB2L"))


def test_a_day_at_the_bank_reconciles_with_its_own_statement(tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        client, treasury = new_company(bank), new_company(bank)
        house = House(
            bank,
            client,
            treasury,
            tmp_path / "bank",
            tmp_path / "bank.sqlite",
            {CLIENT_IBAN: client.session.participant},
        )
        with house.open() as side, Ledger(tmp_path / "books.sqlite", bank) as books:
            first = [
                Entry("DEP-1", "100.00"),
                Entry("DEP-2", "20.00", status="PDNG", number="2"),
                Entry("TAKEN-BACK", "5.00", number="3"),
            ]
            side.take(notice("N-1", *first))
            settle(side, house)
            outside = []
            for amount in ("40.00", "30.00", "10.00"):
                asked = client.deposits.request_redemption(
                    dollars(amount), payout=DETAILS.hash, idempotency_key=amount
                ).wait()
                payout = side.payouts.accept(house.participant, asked.reference, DETAILS, currency="USD")
                outside.append(payout.outside)
            settle(side, house)
            # The third comes back in part before its debit is seen, the second after it.
            back = Return(
                return_id="RET-1",
                original=Original(end_to_end_id=outside[2]),
                amount=dollars("9.00"),
                reason="AC04",
                settle_on=datetime.date(2026, 11, 30),
            )
            side.take(
                write_returns(
                    [back],
                    message_id=uuid.uuid4().hex,
                    instructing=Agent(bic="NWBKGB2L"),
                    instructed=Agent(bic="COBADEFF"),
                )
            )
            settle(side, house)
            whole = [
                *first,
                Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside[0], number="4"),
                Entry("DEB-2", "30.00", credit=False, end_to_end_id=outside[1], number="5"),
                Entry("DEB-3", "10.00", credit=False, end_to_end_id=outside[2], number="6"),
                Entry("BACK-3", "9.00", end_to_end_id=outside[2], number="7"),
                Entry("BACK-2", "30.00", end_to_end_id=outside[1], number="8"),
                # The same name as of what it takes back, on the other side.
                Entry("TAKEN-BACK", "5.00", credit=False, reversal=True, number="9"),
            ]
            day = notice("S-1", *whole, kind="camt.053")
            assert side.take(day).problems == ()
            settle(side, house)

            def name(payout: Payout) -> str:
                token = bank.record.address(payout.currency)
                return payout_name(bank.record.chain_id, token, payout.participant, payout.reference)

            def breaks() -> list[tuple[BreakKind, str]]:
                books.sync()
                stated = booked_entries(read_bank_message(day))
                assert len(stated) == 8
                found = books.reconcile(statement=stated, payout_name=name)
                return [(each.kind, each.where) for each in found.breaks]

            # Money has left that is still out as tokens.
            assert breaks() == [(BreakKind.UNKNOWN_BANK_ENTRY, "bank debit TAKEN-BACK")]
            (recall,) = side.recalls.list()
            side.recalls.reverse(recall.id, who="ops", reason="reversed by the bank")
            settle(side, house)
            assert breaks() == []
            assert house.balance() == 10_000 - 8_000 + 900 + 3_000
