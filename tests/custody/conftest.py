"""Devices, for every test that asks for one."""

from custody.aws import credentials, kms
from custody.softhsm import softhsm

__all__ = ["credentials", "kms", "softhsm"]
