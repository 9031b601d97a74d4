"""docs/custody.md: its examples run as they stand, its commands are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from custody.softhsm import PIN, SoftHsm
from custody.transactions import transaction
from custody.web3signer_double import Web3SignerDouble

from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.custody import LocalSigner, Signer

PAGE = (project_root() / "docs" / "custody.md").read_text(encoding="utf-8")
HSM, KMS, WEB3SIGNER, _REMOTE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.partition("#")[0] for line in re.findall(r"^(pyjpm keys .*)$", PAGE, re.MULTILINE)]


def test_the_examples_run(
    softhsm: SoftHsm, kms: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pin").write_text(PIN)
    Path("pin").chmod(0o600)
    places = {"/var/lib/pyjpm/marks": "marks", "/usr/lib/softhsm/libsofthsm2.so": str(softhsm.module)}

    def here(text: str) -> str:
        for place, mine in places.items():
            text = text.replace(place, mine)
        return text

    create, listing, *_ = COMMANDS
    assert main(shlex.split(here(create))[1:]) == 0
    assert main(shlex.split(here(listing))[1:]) == 0
    address, listed = capsys.readouterr().out.splitlines()
    assert listed == f"{address}  payments"

    names: dict[str, Any] = {}
    exec(here(HSM), names)
    assert names["signer"].address == address
    assert names["signer"].sign_transaction(transaction(3)).raw
    assert names["signer"].highest_nonce(31_337) == 3
    names["token"].close()

    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/payments", TargetKeyId=key)
    exec(KMS, names)
    assert isinstance(names["signer"], Signer)

    wallet = LocalSigner.from_key(b"\x17" * 32).address
    with Web3SignerDouble([PrivateKey(b"\x17" * 32)]) as server:
        exec(WEB3SIGNER.replace("http://localhost:9000", server.url).replace("0x…", wallet), names)
    assert names["signer"].address == wallet


@pytest.mark.parametrize("command", COMMANDS[2:])
def test_a_lost_mark_is_set_as_the_page_says(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyjpm.custody import Keystore, NonceMarks

    monkeypatch.chdir(tmp_path)
    store = Keystore(Path("keys"), kdf_work=2)
    address = store.create("payments", "x")
    marks = store.marks if "--keystore" in command else NonceMarks(Path("elsewhere"))
    command = command.replace("0x…", address).replace("/var/lib/pyjpm/marks", "elsewhere")
    assert main(shlex.split(command)[1:]) == 0
    assert marks.highest(address, 7777) == 4711


def test_every_code_it_names_is_one() -> None:
    from pyjpm import errors

    codes = {getattr(error, "code", None) for error in vars(errors).values()}
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE)) - {"SIGN_VERIFY"}
    assert named
    assert named <= codes
