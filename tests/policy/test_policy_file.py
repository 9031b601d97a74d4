"""The policy file: what is not understood is an error, and nothing is signed by a policy with one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from policy.house import CHAIN, House, address_of, record

from pyjpm.cli import main
from pyjpm.custody.policy import read_policy
from pyjpm.custody.policy_deployment import read_contracts, read_trusted
from pyjpm.errors.policy import PolicyInvalid, PolicyTooOpen

TREASURY = "[policies.treasury]\n"
EUR = '[policies.treasury.allow.EUR]\nfunctions = ["pay", '


def test_a_policy_says_what_it_says(house: House) -> None:
    policy = read_policy(house.policy)
    rules = policy.wallets[house.wallet]
    assert (policy.chain_id, policy.uids) == (CHAIN, {os.geteuid()})
    assert rules.allowed["EUR"].functions == {"pay", "payBatch", "cleared", "transfer", "voidReference"}
    limit = rules.limits["EUR"]
    assert (limit.per_payment, limit.per_day, limit.approval_above) == (100_000, 250_000, 50_000)
    assert rules.checkers == {house.checker.address, house.other_checker.address}
    assert (rules.needed, rules.uids, rules.create) == (1, None, False)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("version = 1", "version = 2", "version"),
        ("version = 1", "version = true", "version"),
        ("version = 1", "", ""),
        ("version = 1", "version = 1\nlimit = 5", ""),
        ("chain_id = 31337", "chain_id = 1", "chain_id"),
        ("chain_id = 31337", 'chain_id = "31337"', "chain_id"),
        ('"platform.json"', "7", "deployment"),
        ("version = 1", "version = 1\nuids = []", "uids"),
        ("version = 1", 'version = 1\nuids = ["root"]', "uids"),
        ("version = 1", "version = 1\nuids = [-1]", "uids"),
        (TREASURY, TREASURY + "create = 1\n", "policies.treasury.create"),
        (TREASURY, TREASURY + "crate = true\n", "policies.treasury"),
        (TREASURY, TREASURY + "needed = 3\n", "policies.treasury.needed"),
        (TREASURY, TREASURY + "needed = 0\n", "policies.treasury.needed"),
        ("allow.EUR", "allow.GBP", "policies.treasury.allow.GBP"),
        (EUR, '[policies.treasury.allow.EUR]\nfunction = ["pay"]\nfunctions = [', "policies.treasury.allow.EUR"),
        (EUR, '[policies.treasury.allow.EUR]\nfunctions = ["payy", ', "policies.treasury.allow.EUR.functions"),
        (EUR, '[policies.treasury.allow.EUR]\nfunctions = ["balanceOf", ', "policies.treasury.allow.EUR.functions"),
        (EUR, '[policies.treasury.allow.EUR]\nfunctions = ["execute", ', "policies.treasury.allow.EUR.functions"),
        (EUR, '[policies.treasury.allow.EUR]\nfunctions = ["recover", ', "policies.treasury.allow.EUR.functions"),
        (EUR, "[policies.treasury.allow.EUR]\nfunctions = [1, ", "policies.treasury.allow.EUR.functions"),
        ('["Consent"', '["Mandate"', "policies.treasury.allow.EUR.messages"),
        ('["Consent"', '["Trade"', "policies.treasury.allow.EUR.messages"),
        ("limits.EUR", "limits.GBP", "policies.treasury.limits.GBP"),
        ('per_day = "2500.00"', "", "policies.treasury.limits.EUR"),
        ('"2500.00"', "2500", "policies.treasury.limits.EUR.per_day"),
        ('"2500.00"', "2500.00", "policies.treasury.limits.EUR.per_day"),
        ('"2500.00"', '"2500.001"', "policies.treasury.limits.EUR.per_day"),
        ('"2500.00"', '"-1"', "policies.treasury.limits.EUR.per_day"),
        ('"2500.00"', '"lots"', "policies.treasury.limits.EUR.per_day"),
        ("policy = ", "policies = ", None),
        ('policy = "treasury"', 'policy = "treasure"', None),
        ('policy = "treasury"', "policy = 1", None),
    ],
)
def test_one_mistake(house: House, old: str, new: str, where: str | None) -> None:
    text = house.default_policy()
    assert text.count(old) >= 1
    house.write_policy(text.replace(old, new, 1))
    with pytest.raises(PolicyInvalid) as error:
        read_policy(house.policy)
    assert error.value.details["where"] == (f"wallets.{house.wallet}" if where is None else where)


def test_checkers_that_check_nobody(house: House) -> None:
    text = house.default_policy()
    house.write_policy(text.replace(house.checker.address, house.wallet))
    with pytest.raises(PolicyInvalid, match="check itself"):
        read_policy(house.policy)
    for other in (house.other_checker.address, "0x12", house.checker.address[:-1] + "x"):
        house.write_policy(text.replace(house.checker.address, other))
        with pytest.raises(PolicyInvalid):
            read_policy(house.policy)
    # a checksum that does not fit is a slip of the pen
    twisted = "0x" + house.checker.address[2:].swapcase()
    house.write_policy(text.replace(house.checker.address, twisted))
    with pytest.raises(PolicyInvalid, match="checksum"):
        read_policy(house.policy)
    without = "\n".join(line for line in text.splitlines() if not line.startswith("checkers"))
    house.write_policy(without)
    with pytest.raises(PolicyInvalid, match="needs a checker"):
        read_policy(house.policy)


def test_of_two_that_contradict_neither_is_believed(house: House) -> None:
    text = house.default_policy()
    strict = text[text.index(TREASURY) : text.index("\n[wallets")]
    loose = strict.replace("policies.treasury", "policies.loose").replace("500.00", "9999.00")
    house.write_policy(text + loose + f'[wallets."{house.wallet.lower()}"]\npolicy = "loose"\n')
    with pytest.raises(PolicyInvalid, match="named twice"):
        read_policy(house.policy)
    steel = f'artifact = "UnitToken"\naddress = "{address_of("steel")}"\n'
    house.write_policy(house.default_policy(f"[assets.Steel]\n{steel}[assets.Iron]\n{steel}"))
    with pytest.raises(PolicyInvalid, match="taken"):
        read_policy(house.policy)


def test_no_wallets_and_no_toml(house: House) -> None:
    text = house.default_policy().partition("\n[wallets")[0]
    for content in (text, text + "\nwallets = {}\n", "version", "\xff"):
        house.policy.write_bytes(content.encode("latin-1"))
        with pytest.raises(PolicyInvalid):
            read_policy(house.policy)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("EUR", 'artifact = "UnitToken"\naddress = "{other}"'),
        ("GBP", 'artifact = "UnitToken"\naddress = "{other}"'),
        ("Steel", 'artifact = "DepositToken"\naddress = "{other}"'),
        ("Steel", 'artifact = "UnitToken"\naddress = "{taken}"'),
        ("Steel", 'artifact = "UnitToken"'),
    ],
)
def test_an_asset_is_no_bank_money_in_disguise(house: House, name: str, fields: str) -> None:
    filled = fields.format(other=address_of("other"), taken=address_of("EUR"))
    house.write_policy(house.default_policy(f"[assets.{name}]\n{filled}\n"))
    with pytest.raises(PolicyInvalid, match=f"assets.{name}"):
        read_policy(house.policy)


@pytest.mark.parametrize("name", ["policy.toml", "platform.json"])
def test_what_others_can_change_is_not_believed(house: House, name: str) -> None:
    for mode in (0o620, 0o602):
        (house.folder / name).chmod(mode)
        with pytest.raises(PolicyTooOpen):
            read_policy(house.policy)
    (house.folder / name).chmod(0o644)
    assert read_policy(house.policy)
    house.folder.chmod(0o777)
    with pytest.raises(PolicyTooOpen):
        read_policy(house.policy)
    house.folder.chmod(0o700)


def test_a_link_that_others_can_change_is_not_followed(house: House) -> None:
    folder = house.folder / "links"
    folder.mkdir(mode=0o700)
    link = folder / "policy.toml"
    link.symlink_to(house.policy)
    (folder / "platform.json").symlink_to(house.folder / "platform.json")
    assert read_policy(link)
    for trusted in (link, folder / "platform.json"):
        folder.chmod(0o777)
        with pytest.raises(PolicyTooOpen):
            read_trusted(trusted)
        folder.chmod(0o700)
        house.folder.chmod(0o777)
        with pytest.raises(PolicyTooOpen):
            read_trusted(trusted)
        house.folder.chmod(0o700)


def test_a_record_that_is_none(house: House, tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    for content in ({}, {**record(), "format": 2}, {**record(), "tokens": []}, {**record(), "chain_id": "1"}, []):
        house.write_record(content)  # type: ignore[arg-type]
        with pytest.raises(PolicyInvalid):
            read_contracts(path)
    broken = record()
    broken["tokens"]["EUR"]["address"] = "0x12"
    house.write_record(broken)
    with pytest.raises(PolicyInvalid):
        read_contracts(path)
    path.unlink()
    with pytest.raises(PolicyInvalid):
        read_policy(house.policy)


def test_check_says_what_is_allowed_or_wrong(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.open()
    house.close()
    assert main(["signer", "check", "--policy", str(house.policy), "--book", str(house.book)]) == 0
    said = capsys.readouterr().out
    assert house.wallet in said
    assert "EUR: 100000 at a time, 250000 a day, 1 checkers above 50000" in said
    assert "The book has 3 lines" in said
    house.write_policy("version = 1")
    assert main(["signer", "check", "--policy", str(house.policy)]) == 1
    assert capsys.readouterr().err.startswith("POLICY_INVALID")


def test_a_wallet_without_its_key(house: House) -> None:
    from pyjpm.errors.custody import KeyNotFound

    house.write_policy(house.default_policy() + f'[wallets."{address_of("nobody")}"]\npolicy = "treasury"\n')
    with pytest.raises(KeyNotFound):
        house.open()
