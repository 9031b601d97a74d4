"""SoftHSM for the tests: tokens in a folder of their own, keys made inside them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyjpm.custody.pkcs11 import Pkcs11Token

PIN = "4711-canary-pin"
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


def module() -> Path:
    """The library of SoftHSM. A machine without it lacks what `make debian` brings: that is a failure."""
    found = next((Path(place) for place in _PLACES if Path(place).exists()), None)
    assert found is not None, "SoftHSM is not installed: run `make debian`"
    return found


@dataclass
class SoftHsm:
    """A machine's SoftHSM with tokens of its own; the library reads where they are when it is loaded."""

    folder: Path
    module: Path = field(default_factory=module)

    def __post_init__(self) -> None:
        (self.folder / "tokens").mkdir(parents=True)
        self.configuration.write_text(
            f"directories.tokendir = {self.folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )

    @property
    def configuration(self) -> Path:
        return self.folder / "softhsm2.conf"

    def new_token(self, label: str, pin: str = PIN) -> None:
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"],
            env={"SOFTHSM2_CONF": str(self.configuration), "PATH": "/usr/bin:/usr/local/bin:/opt/homebrew/bin"},
            check=True,
            capture_output=True,
        )

    def open(self, label: str, pin: str = PIN) -> Pkcs11Token:
        return Pkcs11Token(self.module, label, pin=pin)


@pytest.fixture
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A SoftHSM with one token, "bank"."""
    hsm = SoftHsm(tmp_path / "softhsm")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    hsm.new_token("bank")
    return hsm
