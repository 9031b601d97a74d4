"""A mapping is read whole or refused with every wrong key named."""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path

import pytest

from pyjpm.errors.orders import MappingInvalid, MappingUnreadable
from pyjpm.orders import load_mapping, mapping

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind" / "mapping.toml"

MINIMAL = """
[columns]
order = "id"
buyer = "buyer"
seller = { value = "SHOP" }
amount = "amount"
currency = { value = "USD" }
opened = "opened"
[statuses]
SHIPPED = 1
BROKEN = { number = 2, negative = true }
[wide]
SHIPPED = "shipped"
[[terms]]
name = "all"
milestones = [{ mode = "prefund", required = "SHIPPED", attest_by = { after_opened = "30d" } }]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def documented() -> str:
    """The example in the module's documentation."""
    documentation = inspect.getdoc(mapping) or ""
    block = documentation.split("::\n", 1)[1].split("\nDurations are", 1)[0]
    return inspect.cleandoc(block)


def without(section: str, text: str) -> str:
    return re.sub(rf"(?ms)^\[{section}\].*?(?=^\[|^# One of|\Z)", "", text)


@pytest.mark.parametrize("other", ["wide", "long"])
def test_the_documented_example_is_a_mapping(tmp_path: Path, other: str) -> None:
    text = without(other, documented())
    assert f"[{other}]" not in text
    loaded = load_mapping(written(tmp_path, text))
    assert (loaded.wide is None) == (other == "wide")
    assert loaded.negative_statuses == (9,)
    assert loaded.parties_file == tmp_path / "customers.csv"


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    loaded = load_mapping(written(tmp_path, without("long", documented())))
    bare = load_mapping(written(tmp_path, MINIMAL))
    for section in ("file", "time", "numbers", "attesters"):
        assert getattr(loaded, section) == getattr(bare, section)
    documented_terms, bare_terms = loaded.terms[0], bare.terms[0]
    assert documented_terms.submit_grace == bare_terms.submit_grace == 0
    assert documented_terms.fallback_basis_points == bare_terms.fallback_basis_points == 5000
    for key in ("inspection", "pay_within", "ruling_within", "partial", "share"):
        assert getattr(documented_terms.milestones[0], key) == getattr(bare_terms.milestones[0], key)


def test_northwind_says_what_the_example_is_to_say() -> None:
    loaded = load_mapping(NORTHWIND)
    goods_first, pay_first, deposit = loaded.terms
    assert goods_first.when is not None
    assert set(goods_first.when.values) == {"Germany", "USA"}
    assert [milestone.mode for milestone in goods_first.milestones] == ["on_attest"]
    assert pay_first.when is not None
    assert set(pay_first.when.values) == {"Brazil", "Venezuela", "Argentina", "Mexico"}
    assert [milestone.mode for milestone in pay_first.milestones] == ["prefund"]
    assert deposit.when is None
    assert [(m.mode, m.share) for m in deposit.milestones] == [("prefund", Decimal(30)), ("on_attest", None)]
    for rule in loaded.terms:
        assert rule.submit_grace == 0
        for milestone in rule.milestones:
            assert milestone.inspection == 0
            assert milestone.attest_by.end_of_day == "required_date"
            assert milestone.required == "SHIPPED"
    assert loaded.needed_columns() == {
        "order_id",
        "customer_id",
        "order_date",
        "required_date",
        "shipped_date",
        "amount_usd",
        "ship_country",
    }


def test_shares_are_exact_decimals(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        'milestones = [{ mode = "prefund", required',
        'milestones = [{ mode = "on_attest", required = "SHIPPED", attest_by = { after_opened = "1d" } }, '
        '{ mode = "prefund", share = 33.3, required',
    )
    assert load_mapping(written(tmp_path, text)).terms[0].milestones[1].share == Decimal("33.3")


WRONG = [
    ('seller = { value = "SHOP" }', 'sellr = "x"', ["columns: unknown key sellr; allowed are order, buyer, seller"]),
    ('seller = { value = "SHOP" }', "", ["columns.seller: is missing"]),
    ('seller = { value = "SHOP" }', 'seller = { value = "S", column = "c" }', ["columns.seller: must be a column"]),
    ('seller = { value = "SHOP" }', "seller = 5", ["columns.seller"]),
    ('currency = { value = "USD" }', 'currency = { value = "USX" }', ["columns.currency", "'USX'", "ISO 4217"]),
    ('opened = "opened"', "", ["columns.opened must be there"]),
    ("SHIPPED = 1", "SHIPPED = 256", ["statuses.SHIPPED.number: must be 1 to 255"]),
    ("SHIPPED = 1", "SHIPPED = 0", ["statuses.SHIPPED.number: must be 1 to 255"]),
    ("SHIPPED = 1", "SHIPPED = 2", ["two statuses have one number"]),
    ('SHIPPED = "shipped"', 'SENT = "shipped"', ["wide: SENT not in [statuses]"]),
    ("[wide]", '[long]\nstatus = "s"\nat = "t"\n[wide]', ["one of [wide] and [long]"]),
    ('[wide]\nSHIPPED = "shipped"', "", ["one of [wide] and [long]"]),
    ("[wide]", "[tall]", ["unknown key tall; allowed are"]),
    ('mode = "prefund"', 'mode = "postpaid"', ["terms[0].milestones[0].mode", "'prefund' or 'on_attest'"]),
    ('mode = "prefund"', 'mode = "prefund", share = 50', ["a single milestone is the whole"]),
    ('mode = "prefund"', 'mode = "prefund", share = 0', ["terms[0].milestones[0].share: must be a percentage"]),
    ('mode = "prefund"', 'mode = "prefund", share = "most"', ["terms[0].milestones[0].share: must be a percentage"]),
    ('mode = "prefund"', 'mode = "prefund", partial = true, inspection = "1d"', ["partial milestone has no"]),
    ('mode = "prefund"', 'mode = "prefund", pay_within = "0s"', ["pay_within: must be more than 0"]),
    ('mode = "prefund"', 'mode = "prefund", ruling_within = "0s"', ["ruling_within: must be more than 0"]),
    ('mode = "prefund"', 'mode = "prefund", inspection = "367d"', ["inspection: is more than 366 days"]),
    ('mode = "prefund"', 'mode = "prefund", inspection = 5', ["inspection: must be a duration"]),
    ('mode = "prefund"', 'mode = "prefund", inspection = "soon"', ["inspection: 'soon' is no duration"]),
    ('mode = "prefund"', 'mode = "on_attest", fund_by = { at = "x" }', ["fund_by is for prefund"]),
    ('required = "SHIPPED"', 'required = "SENT"', ["required = 'SENT' is not in [statuses]"]),
    ('required = "SHIPPED"', 'required = "BROKEN"', ["required = 'BROKEN' is negative"]),
    ('after_opened = "30d"', 'after_opened = "30d", at = "x"', ["attest_by: must have one of"]),
    ('after_opened = "30d"', "", ["attest_by: must have one of"]),
    ('after_opened = "30d"', 'fixed = "1998-06-30"', ["attest_by.fixed", "without quotes"]),
    ('after_opened = "30d"', "fixed = 2200-01-01", ["attest_by.fixed", "outside the years"]),
    ('name = "all"', 'name = "all"\nsubmit_grace = "400d"', ["terms[0].submit_grace: is more than 366 days"]),
    ('name = "all"', 'name = "all"\nfallback_to_seller = 33.333', ["fallback_to_seller: must be a percentage"]),
    ('name = "all"', 'name = "all"\nwhen = { column = "c", in = [] }', ["terms[0].when.in"]),
    ("[columns]", "clock_end = 7\n[columns]", ["clock_end", "TOML date"]),
    ("[columns]", '[time]\nzone = "Mars/Base"\n[columns]', ["time.zone", "'Mars/Base'"]),
    ("[columns]", '[time]\nzone = "../etc/passwd"\n[columns]', ["time.zone"]),
    ("[columns]", '[time]\nformats = ["%d.%m"]\n[columns]', ["time.formats", "'%d.%m'"]),
    ("[columns]", '[time]\nformats = ["%Q"]\n[columns]', ["time.formats"]),
    ("[columns]", '[file]\ndelimiter = ";;"\n[columns]', ["file.delimiter: must be one character"]),
    ("[columns]", '[file]\nencoding = "klingon"\n[columns]', ["file.encoding"]),
    ("[columns]", '[file]\nencoding = "base64"\n[columns]', ["file.encoding"]),
    ("[columns]", '[numbers]\ngroup_mark = "."\n[columns]', ["numbers: decimal_mark and group_mark"]),
    ("[columns]", "[attesters]\ncount = 2\nthreshold = 3\n[columns]", ["attesters: must be 1 <= threshold"]),
    ("[columns]", '[parties]\nfile = "p.csv"\n[columns]', ["parties: file and id"]),
    ("[columns]", '[parties]\nalso = [{ id = "A", name = "A", country = "Germany" }]\n[columns]', ["'Germany'"]),
]


@pytest.mark.parametrize(("good", "bad", "said"), WRONG, ids=[f"{bad[:40]}" for _, bad, _ in WRONG])
def test_what_is_wrong_is_named(tmp_path: Path, good: str, bad: str, said: list[str]) -> None:
    assert good in MINIMAL
    with pytest.raises(MappingInvalid) as raised:
        load_mapping(written(tmp_path, MINIMAL.replace(good, bad, 1)))
    for words in said:
        assert words in raised.value.message
    assert raised.value.details["problems"]


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace("SHIPPED = 1", "SHIPPED = 999").replace('mode = "prefund"', 'mode = "never"')
    with pytest.raises(MappingInvalid) as raised:
        load_mapping(written(tmp_path, text))
    assert [problem.split(":")[0] for problem in raised.value.details["problems"]] == [
        "statuses.SHIPPED.number",
        "terms[0].milestones[0].mode",
    ]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (["50", "50"], 'must be the "rest"'),
        (['"rest"', '"rest"'], 'must be the "rest"'),
        (["100", '"rest"'], "leave nothing"),
    ],
)
def test_several_milestones_share_the_whole(tmp_path: Path, shares: list[str], said: str) -> None:
    one = '{{ mode = "prefund", share = {}, required = "SHIPPED", attest_by = {{ after_opened = "1d" }} }}'
    milestones = ", ".join(one.format(share) for share in shares)
    text = re.sub(r"milestones = .*", f"milestones = [{milestones}]", MINIMAL)
    with pytest.raises(MappingInvalid, match=said):
        load_mapping(written(tmp_path, text))


def test_an_order_has_one_to_sixteen_milestones(tmp_path: Path) -> None:
    one = '{ mode = "prefund", share = 1, required = "SHIPPED", attest_by = { after_opened = "1d" } }'
    for milestones in ("", ", ".join([one] * 17)):
        text = re.sub(r"milestones = .*", f"milestones = [{milestones}]", MINIMAL)
        with pytest.raises(MappingInvalid, match=r"terms\[0\]: must have 1 to 16 milestones"):
            load_mapping(written(tmp_path, text))


def test_terms_and_statuses_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match="terms: none is given"):
        load_mapping(written(tmp_path, "terms = []\n" + MINIMAL[: MINIMAL.index("[[terms]]")]))


def test_only_the_last_terms_may_be_for_everybody(tmp_path: Path) -> None:
    again = MINIMAL[MINIMAL.index("[[terms]]") :].replace('"all"', '"more"')
    with pytest.raises(MappingInvalid, match="only the last may lack"):
        load_mapping(written(tmp_path, MINIMAL + again))
    with pytest.raises(MappingInvalid, match="two have one name"):
        load_mapping(written(tmp_path, MINIMAL + again.replace('"more"', '"all"')))


def test_no_toml_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match="is no TOML"):
        load_mapping(written(tmp_path, "columns = ["))
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "\xe9"')
    with pytest.raises(MappingInvalid, match="is no TOML"):
        load_mapping(path)
    with pytest.raises(MappingUnreadable):
        load_mapping(tmp_path / "nowhere.toml")
    with pytest.raises(MappingUnreadable):
        load_mapping(tmp_path)
