"""The checker that names places says of altered messages what the XSDs of others say of them."""

from __future__ import annotations

import copy
import random

import pytest
from judges import schema
from lxml import etree
from samples import UETR, Pay, file_of
from test_messages import BANK, DEBTOR, NEXT, NOW, TRANSFER, statement

from pyjpm.iso20022 import StatusLine, parse, read_payment_file, write_payment_file, write_status, write_transfers
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.reading import local_name

SEED = 20_022
TEXTS = [
    "",
    " ",
    "x",
    "x" * 36,
    "x" * 141,
    "1.5",
    "-1",
    "1.123456",
    "2026-02-30",
    "2026-11-30",
    "true",
    "ABCD",
    "USD",
    "ü",
]


def status_report() -> bytes:
    file = read_payment_file(file_of(Pay("A", uetr=UETR)), today=NOW)
    lines = [
        StatusLine(
            payment_id="B", instruction_id="I", end_to_end_id="A", uetr=UETR, status="RJCT", reasons=(("AC03", "no"),)
        )
    ]
    return write_status(
        file.name, message_id="S", original_message_id="M", count=1, control_sum="1", lines=lines, created=NOW
    )


MESSAGES = {
    "pain.001.001.03": lambda: file_of(Pay("A", instruction_id="I"), Pay("B"), version="03", control_sum="251.00"),
    "pain.001.001.09": lambda: write_payment_file([TRANSFER], message_id="M", sender=DEBTOR, created=NOW),
    "pain.002.001.12": status_report,
    "pacs.008.001.08": lambda: write_transfers(
        [TRANSFER], message_id="M", instructing=BANK, instructed=NEXT, created=NOW
    ),
    "camt.052.001.08": lambda: statement("camt.052"),
    "camt.053.001.08": lambda: statement("camt.053"),
    "camt.054.001.08": lambda: statement("camt.054"),
}


def altered(root: etree._Element, chance: random.Random) -> str:
    """Change one thing in a message; what was done."""
    elements = [each for each in root.iter() if each.getparent() is not None and each.getparent() is not root]
    one = chance.choice(elements)
    parent = one.getparent()
    match chance.randrange(7):
        case 0:
            parent.remove(one)
            return f"without {local_name(one)}"
        case 1:
            parent.insert(parent.index(one), copy.deepcopy(one))
            return f"twice {local_name(one)}"
        case 2:
            parent.insert(chance.randrange(len(parent)), one)
            return f"moved {local_name(one)}"
        case 3 | 4:
            one = chance.choice([each for each in elements if not len(each)])
            one.text = chance.choice(TEXTS)
            return f"{local_name(one)} = {one.text!r}"
        case 5:
            one.tag = one.tag.replace("}", "}X") if chance.random() < 0.5 else local_name(one)
            return f"renamed {one.tag}"
        case _:
            one.set(chance.choice(["Ccy", "Other"]), chance.choice(["USD", "usd", "EURO"]))
            return f"attribute of {local_name(one)}"


@pytest.mark.parametrize("name", MESSAGES)
def test_it_agrees_with_the_standards_schema(name: str) -> None:
    print("seed", SEED)
    chance, judge, data = random.Random(f"{SEED}{name}"), schema(name), MESSAGES[name]()
    message = parse(data)
    kind = type_at(message.name.document, local_name(message.body))
    verdicts = {True: 0, False: 0}
    for _ in range(400):
        root = etree.fromstring(data)
        done = [altered(root, chance) for _ in range(chance.randint(1, 2))]
        body = root[0]
        ours, theirs = not check(body, kind), judge.validate(root)
        verdicts[theirs] += 1
        assert ours == theirs, (done, check(body, kind), [each.message for each in judge.error_log])
    assert min(verdicts.values()) > 20, verdicts
