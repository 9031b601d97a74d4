"""Where a passphrase comes from. Never a command line's argument, which every process of the machine can read."""

from __future__ import annotations

import os
from pathlib import Path

from pyjpm.custody.files import read_private
from pyjpm.errors.custody import PassphraseMissing


def read_passphrase(*, value: str | None = None, environment: str | None = None, file: Path | None = None) -> str:
    """The passphrase, or an HSM's PIN, from exactly one source.

    Args:
        value: itself.
        environment: name of an environment variable.
        file: a file of mode 0600; one line end at its end is not part of it.

    Raises:
        PassphraseMissing: no source or more than one, not there, or empty. KeystoreTooOpen: others may read the file.
    """
    if sum(source is not None for source in (value, environment, file)) != 1:
        raise PassphraseMissing(
            "Give the passphrase or PIN by exactly one of a value, a variable and a file.", source=None
        )
    if value is not None:
        return _not_empty(value, "value")
    if environment is not None:
        return _not_empty(os.environ.get(environment, ""), f"environment variable {environment}")
    if file is None:
        raise AssertionError("one source is left")
    try:
        content = read_private(file).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PassphraseMissing(f"The file {file} cannot be read.", source=str(file)) from error
    return _not_empty(content.removesuffix("\n").removesuffix("\r"), str(file))


def _not_empty(passphrase: str, source: str) -> str:
    if not passphrase:
        raise PassphraseMissing(f"There is no passphrase or PIN in {source}.", source=source)
    return passphrase
