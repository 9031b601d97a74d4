"""Without the libraries for devices: said in one line, and everything else works."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "import sys\nfor name in ('pkcs11', 'boto3', 'botocore'): sys.modules[name] = None\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("module", "extra"), [("pkcs11", "hsm"), ("kms", "kms")])
def test_a_missing_library_is_named(module: str, extra: str) -> None:
    done = run(
        "from pyjpm.errors.custody import DeviceSupportMissing\n"
        f"try:\n    import pyjpm.custody.{module}\n"
        "except DeviceSupportMissing as error:\n    print(error.details['extra'], error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{extra} The library for")
    assert "pip install" in done.stdout


def test_the_command_says_so_too() -> None:
    done = run(
        "import os; os.environ['PIN'] = 'x'\nfrom pyjpm.cli import main\n"
        "sys.exit(main(['keys', 'hsm', 'list', '--module', 'x.so', '--token', 'bank', '--pin-env', 'PIN']))"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("DEVICE_SUPPORT_MISSING: ")
    assert "Traceback" not in done.stderr


def test_everything_else_needs_none_of_them() -> None:
    code = (
        "import pyjpm.platform, pyjpm.custody.web3signer, pyjpm.cli.keys; print(pyjpm.LocalSigner.generate().address)"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0x")
