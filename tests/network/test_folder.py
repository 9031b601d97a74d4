"""Writing: whole or not at all, never over anything, and secrets are their owner's alone."""

from __future__ import annotations

import json
import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
from eth_keys.datatypes import PrivateKey
from network_support import CHEAP, PASSPHRASE

from pyjpm.chain.network import NetworkPlan, allow_accounts, read_description, write_network
from pyjpm.chain.network.keys import NodeKey
from pyjpm.cli import main
from pyjpm.custody import Keystore
from pyjpm.errors.network import (
    InvalidNetworkPlan,
    NetworkFolderTaken,
    NetworkFolderUnreadable,
    NetworkFolderUnwritable,
)

ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def secrets_of(folder: Path) -> list[bytes]:
    """What must never be seen: every key and passphrase of a network."""
    found = [path.read_bytes().strip().removeprefix(b"0x") for path in folder.rglob("node.key")]
    found += [path.read_bytes().strip() for path in folder.rglob("server.password")]
    found += [path.read_bytes().strip() for path in folder.glob("accounts/passphrase")]
    pem = ("tokens/jwt-private.pem", "clients/client.key", "clients/ca.key")
    return found + [(folder / path).read_bytes().splitlines()[1] for path in pem]


def test_only_the_owner_reads_secrets(network: Path) -> None:
    private = ("node.key", "server.p12", "server.password", ".pem", ".key", "accounts/", "kubernetes/", "clients/")
    for path in network.rglob("*"):
        mode, name = stat.S_IMODE(path.stat().st_mode), str(path.relative_to(network))
        if path.is_dir():
            if name.partition("/")[0] in ("nodes", "accounts", "tokens", "clients", "kubernetes"):
                assert mode == 0o700, name
        elif any(part in name for part in private) and "jwt-public" not in name:
            assert mode == 0o600, name
        else:
            assert mode == 0o644, name


def test_secrets_stand_in_their_files_only(network: Path) -> None:
    allowed = ("node.key", "server.password", "accounts/passphrase", "jwt-private.pem", "clients/", "kubernetes/")
    for secret in secrets_of(network):
        for name, content in snapshot(network).items():
            assert secret not in content or any(part in name for part in allowed), name


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_do_not_hang_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_network(NetworkPlan(rpc_nodes=0), tmp_path / "network", kdf_work=CHEAP)
    finally:
        os.umask(before)
    test_only_the_owner_reads_secrets(tmp_path / "network")


def test_keys_are_those_of_the_addresses(network: Path) -> None:
    nodes = read_description(network).nodes
    assert len({node.address for node in nodes}) == 6
    for node in nodes:
        content = (network / "nodes" / node.name / "node.key").read_text()
        assert content.count("\n") == 1
        public = PrivateKey(bytes.fromhex(content.strip()[2:])).public_key
        assert public.to_address() == node.address
        assert node.enode.startswith(f"enode://{public.to_hex()[2:]}@")


def test_accounts_open_with_their_passphrase(network: Path, make: Callable[..., Path]) -> None:
    made = (network / "accounts" / "passphrase").read_text().strip()
    assert Keystore(network / "accounts").load("rescue", made).address.lower() == read_description(network).rescue
    assert Keystore(network / "accounts").load("deployer", made)
    given = make()
    assert not (given / "accounts" / "passphrase").exists()
    assert Keystore(given / "accounts").load("rescue", PASSPHRASE).address.lower() == read_description(given).rescue


def test_two_networks_share_nothing(network: Path, make: Callable[..., Path]) -> None:
    other = make()
    assert read_description(network).chain_id != read_description(other).chain_id
    assert not set(secrets_of(network)) & set(secrets_of(other))


def test_a_network_differs_from_its_like_in_keys_and_certificates_only(tmp_path: Path) -> None:
    """The same plan: every file has the same length too, but for signatures, and an RSA key's numbers, whose leading
    bytes may be zero."""
    plan = NetworkPlan(chain_id=5_000_000_001)
    sizes = []
    for name in ("a", "b"):
        write_network(plan, tmp_path / name, passphrase=PASSPHRASE, kdf_work=CHEAP)
        files = snapshot(tmp_path / name).items()
        sizes.append({path: len(content) for path, content in files if ".p12" not in path and "clients" not in path})
    differ = {path for path in sizes[0] if sizes[0][path] != sizes[1].get(path)}
    assert sizes[0].keys() == sizes[1].keys()
    assert all(path.startswith("kubernetes/rpc-") or path == "tokens/jwt-private.pem" for path in differ)


# --- certificates --------------------------------------------------------------------------------------------------


def test_an_rpc_node_and_its_client_trust_each_other(network: Path) -> None:
    authority = x509.load_pem_x509_certificate((network / "clients" / "ca.pem").read_bytes())
    client = x509.load_pem_x509_certificate((network / "clients" / "client.pem").read_bytes())
    client.verify_directly_issued_by(authority)
    for node in ("rpc-1", "rpc-2"):
        folder = network / "nodes" / node
        password = (folder / "server.password").read_bytes()
        key, certificate, more = pkcs12.load_key_and_certificates((folder / "server.p12").read_bytes(), password)
        assert key is not None
        assert certificate is not None
        certificate.verify_directly_issued_by(authority)
        assert more == [authority]
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {"localhost", node, f"{node}.pyjpm-besu.svc"} <= set(names.get_values_for_type(x509.DNSName))
        assert "127.0.0.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}
        fingerprint = client.fingerprint(hashes.SHA256()).hex(":").upper()
        assert (folder / "known-clients.txt").read_text() == f"pyjpm {fingerprint}\n"


def test_clients_files_make_a_tls_context(network: Path) -> None:
    context = ssl.create_default_context(cafile=str(network / "clients" / "ca.pem"))
    context.load_cert_chain(network / "clients" / "client.pem", network / "clients" / "client.key")
    assert len(context.get_ca_certs()) == 1


# --- refusals ------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten(make: Callable[..., Path]) -> None:
    folder = make()
    before = snapshot(folder)
    with pytest.raises(NetworkFolderTaken) as refused:
        write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    assert refused.value.details == {"path": str(folder)}
    assert snapshot(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["network"]


def test_a_folder_with_anything_in_it_is_taken_and_an_empty_one_is_not(tmp_path: Path) -> None:
    taken, link, file, empty = (tmp_path / name for name in ("taken", "link", "file", "empty"))
    taken.mkdir()
    (taken / "notes.txt").write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    file.write_text("mine")
    empty.mkdir()
    for folder in (taken, link, file):
        with pytest.raises(NetworkFolderTaken):
            write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    write_network(NetworkPlan(), empty, kdf_work=CHEAP)
    assert (empty / "network.json").is_file()
    assert snapshot(taken) == {"notes.txt": b"mine"}


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_failure_leaves_nothing_and_the_next_try_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    calls = 0

    def full_disk(*_: object) -> None:
        nonlocal calls
        calls += 1
        if failing == "rename" or calls > 20:
            raise OSError(28, "No space left on device")

    folder = tmp_path / "network"
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, full_disk)
        with pytest.raises(NetworkFolderUnwritable) as refused:
            write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    assert "No space left" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    assert read_description(folder).nodes


def test_what_comes_into_being_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rename = tmp_path / "network", os.rename

    def late(source: Path, target: Path) -> None:
        target.mkdir()
        (target / "theirs").write_text("theirs")
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(NetworkFolderTaken):
        write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    assert snapshot(tmp_path) == {"network/theirs": b"theirs"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("validators", 3),
        ("validators", 15),
        ("rpc_nodes", -1),
        ("chain_id", -1),
        ("chain_id", 2**53),
        ("block_period", 0),
        ("request_timeout", 1),
        ("gas_limit", 1_000),
        ("hosts", ("10.0.0.1", "10.0.0.2")),
        ("hosts", ("300.1.1.1",)),
        ("hosts", ("0.0.0.0",)),
        ("hosts", ("a host",)),
        ("hosts", ("::1",)),
        ("pool", "legacy"),
        ("image", "besu; rm -rf /"),
        ("accounts", ("0x12",)),
        ("accounts", ("0x" + "0" * 40,)),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidNetworkPlan) as refused:
        NetworkPlan(**{field: value})
    assert refused.value.details["field"] == field


def test_a_list_of_accounts_and_no_list_contradict_each_other() -> None:
    with pytest.raises(InvalidNetworkPlan, match="open_accounts"):
        NetworkPlan(accounts=(ACCOUNT,), open_accounts=True)


# --- who may send, later -------------------------------------------------------------------------------------------


def test_allowing_an_account_changes_every_list_and_nothing_else(make: Callable[..., Path]) -> None:
    folder = make()
    before = snapshot(folder)
    described = allow_accounts(folder, [ACCOUNT, ACCOUNT.lower(), read_description(folder).rescue])
    assert described.accounts == (*json.loads(before["network.json"])["accounts"], ACCOUNT.lower())
    assert read_description(folder) == described
    after = snapshot(folder)
    changed = {name for name in after if after[name] != before.get(name)}
    assert {Path(name).name for name in changed} == {
        "accounts-allowlist.toml",
        "network.json",
        *(f"{node.name}.yaml" for node in described.nodes),
    }
    for node in described.nodes:
        listed = (folder / "nodes" / node.name / "accounts-allowlist.toml").read_text()
        assert ACCOUNT.lower() in listed
        manifest = (folder / "kubernetes" / f"{node.name}.yaml").read_text()
        assert "".join(f"    {line}\n" for line in listed.splitlines()) in manifest
    test_only_the_owner_reads_secrets(folder)


def test_allowing_is_refused_where_it_makes_no_sense(make: Callable[..., Path], tmp_path: Path) -> None:
    folder = make(open_accounts=True)
    with pytest.raises(InvalidNetworkPlan, match="any account may send"):
        allow_accounts(folder, [ACCOUNT])
    for elsewhere in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NetworkFolderUnreadable):
            allow_accounts(elsewhere, [ACCOUNT])


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "nodes": 3}', "\x00"])
def test_a_description_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "network.json").write_text(content)
    with pytest.raises(NetworkFolderUnreadable):
        read_description(tmp_path)


# --- on the command line -------------------------------------------------------------------------------------------


def test_nothing_printed_or_shown_holds_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "network"
    assert main(["network", "init", "--validators", "4", "--out", str(folder), "--json"]) == 0
    assert main(["network", "init", "--validators", "4", "--out", str(folder)]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("NETWORK_FOLDER_TAKEN: ")
    made = json.loads(printed.out)
    assert made["folder"] == str(folder)
    assert made["chain_id"] == read_description(folder).chain_id
    for secret in secrets_of(folder):
        assert secret.decode() not in printed.out + printed.err
    key = NodeKey.generate()
    assert key.file().decode().strip()[2:] not in repr(key)


def test_hosts_and_passphrase_come_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# validators\n10.0.0.1\n10.0.0.2  # Frankfurt\n\n10.0.0.3\n10.0.0.4\n# applications\n10.0.0.5\n")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(f"{PASSPHRASE}\n")
    folder, more = tmp_path / "network", ["--rpc-nodes", "1", "--hosts-file", str(hosts), "--root", "/srv/besu"]
    assert main(["network", "init", "--out", str(folder), "--passphrase-file", str(secret), *more]) == 0
    assert [node.enode.partition("@")[2] for node in read_description(folder).nodes] == [
        f"10.0.0.{number}:30303" for number in range(1, 6)
    ]
    assert '"/srv/besu/nodes/validator-1/genesis.json"' in (folder / "nodes/validator-1/besu.toml").read_text()
    assert Keystore(folder / "accounts").load("rescue", PASSPHRASE)
    assert main(["network", "init", "--out", str(tmp_path / "x"), "--hosts-file", str(tmp_path / "none")]) == 1
    assert main(["network", "init", "--out", str(tmp_path / "x"), "--root", "relative"]) == 1
    assert main(["network", "init", "--out", str(tmp_path / "x"), "--passphrase-env", "PYJPM_NOT_SET"]) == 1
    codes = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert codes == ["INVALID_NETWORK_PLAN", "INVALID_NETWORK_PLAN", "PASSPHRASE_MISSING"]
    assert not (tmp_path / "x").exists()


def test_the_folder_explains_itself(network: Path) -> None:
    page = (network / "README.md").read_text()
    for node in read_description(network).nodes:
        assert f"besu --config-file={network}/nodes/{node.name}/besu.toml" in page
        assert node.rpc in page
    for told in ("docker compose up", "kubectl apply", "rescue.json", "pyjpm network check", "jwt-private.pem"):
        assert told in page
