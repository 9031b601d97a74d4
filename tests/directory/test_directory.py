"""Whom an identifier means: from when, until when, by whose word; on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from directory.directory_support import BOTH, CHECKER, IBAN, LEI, MAKER, NOON, OTHER_IBAN, STAFF, STRANGER, mapped
from sqlalchemy import text

from pyjpm.directory import Closeness, Directory, Entry, State
from pyjpm.errors.books import BookAltered, BookOfOtherVersion, InvalidStaff, NotPending, SayWhy, WordRefused
from pyjpm.errors.directory import InvalidEntry, InvalidIdentifier
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.four_eyes import Staff


@pytest.fixture
def directory(journal_url: str | Path) -> Iterator[Directory]:
    with Directory(journal_url, staff=STAFF, now=lambda: NOON) as opened:
        yield opened


def entry(participant: int | None = 7, name: str = "Acme GmbH", since: int = NOON, until: int | None = None) -> Entry:
    return Entry.of("IBAN", IBAN, participant, name, since, until)


def altered(directory: Directory, statement: str) -> None:
    with directory.book.writing() as connection:
        connection.execute(text(statement))


def test_a_mapping_counts_once_a_checker_approved_it(directory: Directory) -> None:
    assert directory.resolve("IBAN", IBAN) is None
    proposed = directory.propose(entry(), maker=MAKER, reason="contract", idempotency_key="one")
    assert directory.resolve("IBAN", IBAN) is None
    done = directory.approve(proposed.id, checker=CHECKER, reason="seen")
    assert (done.state, done.revision, done.checker) == (State.APPROVED, 1, CHECKER.address)
    assert directory.resolve("iban", "de89370400440532013000") == 7
    assert directory.resolve("IBAN", OTHER_IBAN) is None


def test_a_rejected_one_never_does_and_stays_decided(directory: Directory) -> None:
    proposed = directory.propose(entry(), maker=MAKER, reason="contract", idempotency_key="one")
    directory.reject(proposed.id, checker=CHECKER, reason="no contract")
    assert directory.reject(proposed.id, checker=CHECKER, reason="again").decided_why == "no contract"
    with pytest.raises(NotPending):
        directory.approve(proposed.id, checker=CHECKER, reason="after all")
    assert directory.resolve("IBAN", IBAN) is None


def test_maker_and_checker_are_two_and_on_the_staff(directory: Directory) -> None:
    with pytest.raises(WordRefused):
        directory.propose(entry(), maker=CHECKER, reason="contract", idempotency_key="one")
    proposed = directory.propose(entry(), maker=BOTH, reason="contract", idempotency_key="one")
    for who in (BOTH, MAKER, STRANGER):
        with pytest.raises(WordRefused):
            directory.approve(proposed.id, checker=who, reason="fine")
    with pytest.raises(SayWhy):
        directory.approve(proposed.id, checker=CHECKER, reason=" ")
    with pytest.raises(NotPending):
        directory.approve("nothing", checker=CHECKER, reason="fine")
    assert [each.state for each in directory.changes()] == [State.PENDING]


def test_changes_take_effect_when_they_say(directory: Directory) -> None:
    mapped(directory, entry(7), "first")
    mapped(directory, entry(8, since=NOON + 100), "moved")
    mapped(directory, entry(9, since=NOON + 200, until=NOON + 300), "for a while")
    mapped(directory, entry(None, "", since=NOON + 1_000), "ended")
    asked = {at: directory.resolve("IBAN", IBAN, NOON + at) for at in (-1, 0, 99, 100, 199, 200, 299, 300, 999, 1_000)}
    assert asked == {-1: None, 0: 7, 99: 7, 100: 8, 199: 8, 200: 9, 299: 9, 300: 8, 999: 8, 1_000: None}
    history = directory.changes(scheme="IBAN", identifier=IBAN)
    assert sorted(each.revision or 0 for each in history) == [1, 2, 3, 4]


def test_the_same_proposal_again_is_the_same(directory: Directory) -> None:
    first = directory.propose(entry(), maker=MAKER, reason="contract", idempotency_key="one")
    assert directory.propose(entry(), maker=MAKER, reason="contract", idempotency_key="one") == first
    with pytest.raises(IdempotencyConflict):
        directory.propose(entry(8), maker=MAKER, reason="contract", idempotency_key="one")
    assert len(list(directory.changes())) == 1


def test_two_checkers_at_once_decide_once(journal_url: str | Path) -> None:
    with Directory(journal_url, staff=STAFF) as first, Directory(journal_url, staff=STAFF) as second:
        made = [
            first.propose(
                Entry.of("CUSTOMER", f"C{number}", number, "Acme", 0),
                maker=MAKER,
                reason="contract",
                idempotency_key=str(number),
            )
            for number in range(1, 13)
        ]
        refused: list[Exception] = []

        def decide(opened: Directory, checker: object) -> None:
            for change in made:
                try:
                    opened.approve(change.id, checker=checker, reason="seen")  # type: ignore[arg-type]
                except NotPending as error:
                    refused.append(error)

        threads = [
            threading.Thread(target=decide, args=pair) for pair in ((first, CHECKER), (second, BOTH), (second, CHECKER))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(each.revision or 0 for each in first.changes()) == list(range(1, 13))
        assert len(refused) >= 12  # each change has one checker; whoever came second was told so


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory_change SET participant = 8",
        "UPDATE directory_change SET valid_from = valid_from - 1",
        "UPDATE directory_change SET identifier = 'GB82WEST12345698765432'",
        "UPDATE directory_change SET checker = maker",
        f"UPDATE directory_change SET maker = '{STRANGER.address}'",
        f"UPDATE directory_change SET checker = '{BOTH.address}'",
        "UPDATE directory_change SET decided_word = made_word",
    ],
)
def test_a_row_that_was_altered_is_no_answer(directory: Directory, statement: str) -> None:
    mapped(directory, entry(), "one")
    altered(directory, statement)
    asked = OTHER_IBAN if "identifier" in statement else IBAN
    with pytest.raises(BookAltered):
        directory.resolve("IBAN", asked)


def test_words_of_strangers_do_not_count_and_those_of_former_people_do(
    directory: Directory, journal_url: str | Path
) -> None:
    mapped(directory, entry(), "one")
    others = frozenset({BOTH.address}), frozenset({STRANGER.address})
    with Directory(journal_url, staff=Staff(*others), now=lambda: NOON) as opened, pytest.raises(BookAltered):
        opened.resolve("IBAN", IBAN)
    gone = Staff(*others, former=frozenset({MAKER.address, CHECKER.address}))
    with Directory(journal_url, staff=gone, now=lambda: NOON) as opened:
        assert opened.resolve("IBAN", IBAN) == 7
        with pytest.raises(WordRefused):
            opened.propose(entry(8), maker=MAKER, reason="contract", idempotency_key="two")


def test_a_word_of_one_directory_serves_in_no_other(directory: Directory, tmp_path: Path) -> None:
    mapped(directory, entry(), "one")
    with Directory(tmp_path / "other.db", staff=STAFF, now=lambda: NOON) as other:
        mapped(other, entry(8), "one")
        with directory.book.reading() as connection:
            row = dict(connection.execute(text("SELECT * FROM directory_change")).mappings().one())
        with other.book.writing() as connection:
            names = [name for name in row if name != "id"]
            connection.execute(
                text("UPDATE directory_change SET " + ", ".join(f"{name} = :{name}" for name in names)),
                {name: row[name] for name in names},
            )
        with pytest.raises(BookAltered):
            other.resolve("IBAN", IBAN)


def test_a_payee_is_verified_by_name(directory: Directory) -> None:
    mapped(directory, entry(7, "Müller & Söhne GmbH"), "one")
    for name, result in {
        "Mueller und Soehne GmbH": Closeness.MATCH,
        "MULLER AND SOHNE G.m.b.H.": Closeness.MATCH,
        "Müller & Söhne": Closeness.CLOSE,
        "Schmidt AG": Closeness.NONE,
    }.items():
        found = directory.verify_payee("IBAN", IBAN, name)
        assert (found.result, found.participant) == (result, 7), name
        assert found.name_on_file == (None if result is Closeness.NONE else "Müller & Söhne GmbH")
    unmapped = directory.verify_payee("IBAN", OTHER_IBAN, "Müller & Söhne GmbH")
    assert unmapped.to_dict() == {"result": "NONE", "participant": None, "name_on_file": None}


def test_a_participant_that_is_unknown_is_not_mapped(tmp_path: Path) -> None:
    with Directory(tmp_path / "d.db", staff=STAFF, exists=lambda participant: participant == 7) as opened:
        opened.propose(entry(7), maker=MAKER, reason="contract", idempotency_key="one")
        opened.propose(entry(None, ""), maker=MAKER, reason="gone", idempotency_key="two")
        with pytest.raises(InvalidEntry):
            opened.propose(entry(8), maker=MAKER, reason="contract", idempotency_key="three")


@pytest.mark.parametrize(
    "given",
    [
        (7, "", NOON, None),
        (None, "Acme", NOON, None),
        (0, "Acme", NOON, None),
        (True, "Acme", NOON, None),
        (7, "A" * 141, NOON, None),
        (7, "Acme", NOON, NOON),
        (7, "Acme", NOON * 1_000, None),
        (7, "Acme", -1, None),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(given: tuple[int | None, str, int, int | None]) -> None:
    with pytest.raises(InvalidEntry):
        entry(*given)


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        ("IBAN", "DE89370400440532013001"),
        ("IBAN", "DE8937040044053201300"),
        ("IBAN", "XX89370400440532013000"),
        ("BIC", "DEUT"),
        ("BIC", "DEUTZZFF"),
        ("LEI", LEI[:-1] + "3"),
        ("LEI", LEI[:-1]),
        ("CUSTOMER", ""),
        ("CUSTOMER", "C" * 36),
        ("CUSTOMER", "C\n1"),
        ("PHONE", "1"),
    ],
)
def test_an_identifier_with_a_slip_is_no_identifier(directory: Directory, scheme: str, identifier: str) -> None:
    with pytest.raises(InvalidIdentifier) as told:
        directory.resolve(scheme, identifier)
    assert told.value.details["scheme"] == scheme
    with pytest.raises(InvalidIdentifier):
        Entry.of(scheme, identifier, 7, "Acme", NOON)


def test_one_written_form_of_each(directory: Directory) -> None:
    mapped(directory, Entry.of("BIC", "deutdeff", 3, "Deutsche Bank", NOON), "bic")
    mapped(directory, Entry.of("LEI", LEI.lower(), 4, "Acme", NOON), "lei")
    mapped(directory, Entry.of("CUSTOMER", " C-17 ", 5, "Acme", NOON), "customer")
    assert directory.resolve("BIC", "DEUTDEFFXXX") == 3
    assert directory.resolve("BIC", "DEUTDEFF500") is None  # a branch is not guessed from its head office
    assert directory.resolve("BIC", "CHASUS33") is None  # of a country without a registry, by its form
    assert directory.resolve("LEI", LEI) == 4
    assert directory.resolve("CUSTOMER", "C-17") == 5


def test_tables_of_another_version_are_left_alone(journal_url: str | Path) -> None:
    with Directory(journal_url) as opened:
        altered(opened, "UPDATE directory_meta SET value = '2' WHERE name = 'version'")
    with pytest.raises(BookOfOtherVersion) as told:
        Directory(journal_url)
    assert told.value.details["supported"] == 1


@pytest.mark.parametrize(
    "said",
    [
        "",
        "makers = []\ncheckers = []",
        'makers = ["0x1"]\ncheckers = ["0x2"]',
        f'makers = ["{MAKER.address}"]\ncheckers = ["{MAKER.address}"]',
        f'makers = ["{MAKER.address}"]\ncheckers = ["{CHECKER.address}"]\nadmins = []',
        f'makers = 5\ncheckers = ["{CHECKER.address}"]',
    ],
)
def test_a_staff_file_of_another_form_is_refused(said: str, tmp_path: Path) -> None:
    path = tmp_path / "staff.toml"
    path.write_text(said)
    with pytest.raises(InvalidStaff):
        Staff.load(path)
    with pytest.raises(InvalidStaff):
        Staff.load(tmp_path / "none.toml")
