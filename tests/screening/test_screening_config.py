"""The files that say how to screen and who the participants are: read whole, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from screening.screening_support import CHECKER, FOLDER, MAKER

from pyjpm.errors.custody import KeystoreTooOpen
from pyjpm.errors.screening import InvalidScreeningConfig, MalformedSanctionsList
from pyjpm.remittance import RemittanceKey
from pyjpm.screening import Config, Kind, Party, Structuring, Velocity, load_parties

WHOLE = """
queue = "queue.db"
staff = "staff.toml"
parties = "parties.toml"
lists = ["sdn.xml", "un.xml", "eu.xml"]
cutoff = 88
oldest = 86400
keys = ["bank.key"]

[travel_rule]
EUR = "2500.00"

[[velocity]]
name = "daily"
currency = "USD"
window = 86400
most = "50000.00"
count = 100

[[structuring]]
name = "split"
currency = "USD"
window = 604800
threshold = "3000.00"
near = "2000.00"
count = 2
same_payee = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for each in FOLDER.iterdir():
        shutil.copy(each, tmp_path / each.name)
    (tmp_path / "staff.toml").write_text(f'makers = ["{MAKER.address}"]\ncheckers = ["{CHECKER.address}"]\n')
    (tmp_path / "parties.toml").write_text('[participant.7]\nname = "Acme"\nkind = "organisation"\ncountry = "DE"\n')
    return tmp_path


def load(folder: Path, said: str) -> Config:
    path = folder / "screening.toml"
    path.write_text(said)
    return Config.load(path)


def test_a_whole_file_is_read(folder: Path) -> None:
    config = load(folder, WHOLE)
    assert config.parties == {7: Party("Acme", Kind.ORGANISATION, "DE")}
    assert config.policy.thresholds == {"USD": 300_000, "EUR": 250_000}
    assert config.policy.rules == (
        Velocity("daily", "USD", 86_400, most=5_000_000, count=100),
        Structuring("split", "USD", 604_800, 300_000, near=200_000, count=2, same_payee=True),
    )
    assert (config.screener, config.cutoff, config.policy.oldest) == ("fuzzy", 88, 86_400)
    with config.opened() as screening:
        assert [each.name for each in screening.lists] == ["OFAC SDN", "UN SC", "EU FSF"]
    assert (folder / "queue.db").exists()


def test_the_least_it_says_is_enough(folder: Path) -> None:
    config = load(folder, WHOLE.partition("cutoff")[0])
    assert config.policy.thresholds == {"USD": 300_000}
    assert (config.cutoff, config.policy.oldest, config.policy.rules) == (85, 7 * 86_400, ())


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ('queue = "queue.db"', ""),
        ('staff = "staff.toml"', 'staff = "none.toml"'),
        ('parties = "parties.toml"', 'parties = "none.toml"'),
        ('["sdn.xml", "un.xml", "eu.xml"]', "[]"),
        ('["sdn.xml", "un.xml", "eu.xml"]', '"sdn.xml"'),
        ("cutoff = 88", "cutoff = 0"),
        ("cutoff = 88", "cutoff = 88.5"),
        ("cutoff = 88", 'screener = "none"'),
        ("cutoff = 88", "cutof = 88"),
        ("cutoff = 88", 'directory = "directory.db"'),
        ("oldest = 86400", "oldest = 0"),
        ('EUR = "2500.00"', 'USD = "3000.01"'),  # the law's threshold is not raised by a file
        ('EUR = "2500.00"', "EUR = 2500.5"),
        ('EUR = "2500.00"', 'XXXX = "1.00"'),
        ('most = "50000.00"\ncount = 100', ""),
        ('most = "50000.00"', 'most = "50000.001"'),
        ('currency = "USD"\nwindow = 86400\nmost = "50000.00"', 'currency = "Usd"\nwindow = 86400'),
        ("count = 100", 'count = "100"'),
        ("count = 100", "count = 100.5"),
        ("same_payee = true", 'same_payee = "false"'),
        ("window = 86400", "window = 1.5"),
        ("window = 86400", "windw = 86400"),
        ('near = "2000.00"', 'near = "3000.00"'),
        ("count = 2", "count = 1"),
        ('name = "split"', 'name = "daily"'),
        ('name = "split"', 'name = ""'),
        ("[[velocity]]", "[[velocty]]"),
        ("[[velocity]]", "velocity"),
    ],
)
def test_a_slip_is_an_error_and_switches_nothing_off(this: str, that: str, folder: Path) -> None:
    assert this in WHOLE
    with pytest.raises(InvalidScreeningConfig) as told:
        load(folder, WHOLE.replace(this, that, 1))
    assert told.value.details["path"].startswith(str(folder))


def test_a_list_twice_or_missing_is_an_error_when_opened(folder: Path) -> None:
    with pytest.raises(InvalidScreeningConfig), load(folder, WHOLE.replace('"un.xml"', '"sdn.csv"')).opened():
        pass
    with pytest.raises(MalformedSanctionsList), load(folder, WHOLE.replace('"un.xml"', '"none.xml"')).opened():
        pass
    with pytest.raises(InvalidScreeningConfig):
        Config.load(folder / "none.toml")


def test_the_banks_keys_are_nobody_elses_to_read(folder: Path) -> None:
    key, path = RemittanceKey.generate(), folder / "bank.key"
    config = load(folder, WHOLE)
    with pytest.raises(InvalidScreeningConfig):
        config.read_keys()
    path.write_text("11" * 32 + "\n")
    path.chmod(0o644)
    with pytest.raises(KeystoreTooOpen):
        config.read_keys()
    path.chmod(0o600)
    assert config.read_keys()[0].public == RemittanceKey(b"\x11" * 32).public != key.public
    path.write_text("22" * 31)
    with pytest.raises(InvalidScreeningConfig) as told:
        config.read_keys()
    assert "2222" not in str(told.value) + repr(told.value.__cause__)


@pytest.mark.parametrize(
    "said",
    [
        "",
        '[participant.x]\nname = "Acme"',
        '[participant.7]\ncountry = "DE"',
        '[participant.7]\nname = " "',
        "[participant.7]\nname = 5",
        '[participant.7]\nname = "Acme"\nkind = "alien"',
        '[participant.7]\nname = "Acme"\nmore = 1',
        '[party.7]\nname = "Acme"',
    ],
)
def test_parties_of_another_form_are_refused(said: str, folder: Path) -> None:
    path = folder / "parties.toml"
    path.write_text(said)
    with pytest.raises(InvalidScreeningConfig):
        load_parties(path)
