"""Signed manifests: keys are made once and stay secret, signatures cover every byte, each fault has its word."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_samples import OPENED

from storage.directory import DirectoryStore
from storage.errors import BadSetting, WrongUse
from storage.manifest import Manifest, ManifestObject, Signature, check_signature, sign
from storage.objects import check_key
from storage.vouching.manifestproofs import manifest_problems
from storage.vouching.signing import (
    Keyring,
    PublicKey,
    Signer,
    key_to_list,
    list_key,
    load_signing_key,
    make_signing_key,
    read_keys,
)

# RFC 8032, 7.1, TEST 1: the secret key as PKCS #8 (RFC 8410) and its public key.
SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
MANIFEST = Manifest(
    source="gazette",
    stem="gazette-20261123180000-00000-host.example",
    created=OPENED,
    previous=None,
    objects=(ManifestObject("warc/a.warc.gz", 5, "00"),),
    counts={"warcinfo": 1},
)


def pem(secret: str) -> bytes:
    der = bytes.fromhex("302e020100300506032b657004220420" + secret)
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der) + b"\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    path = tmp_path / "rfc8032.key"
    path.write_bytes(pem(SECRET))
    path.chmod(0o600)
    return load_signing_key(path)


@pytest.fixture
def other(tmp_path: Path) -> Signer:
    return make_signing_key(tmp_path / "other.key")


def keys(*signers: Signer) -> dict[str, PublicKey]:
    return {one.key_id: one.public(OPENED) for one in signers}


# keys


def test_a_known_key_has_its_known_public_key_and_id(signer: Signer) -> None:
    assert signer.der.hex() == "302a300506032b6570032100" + PUBLIC
    assert signer.key_id == "06e3fd8fda29bb60ab59557de61edb0a"


def test_signatures_are_those_of_the_standard(signer: Signer) -> None:
    expected = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert signer.sign(b"").hex() == expected


def test_a_made_key_is_for_its_owner_alone_and_is_read_back(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made = make_signing_key(tmp_path / "newsark.key")
    finally:
        os.umask(old)
    path = tmp_path / "newsark.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert load_signing_key(path).sign(b"x") == made.sign(b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["newsark.key"]


def test_openssl_reads_a_made_key_and_names_its_id(tmp_path: Path) -> None:
    made = make_signing_key(tmp_path / "newsark.key")
    command = ["openssl", "pkey", "-in", str(tmp_path / "newsark.key"), "-pubout", "-outform", "DER"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == made.der


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    make_signing_key(tmp_path / "newsark.key")
    before = (tmp_path / "newsark.key").read_bytes()
    with pytest.raises(WrongUse, match="stays as it is"):
        make_signing_key(tmp_path / "newsark.key")
    assert (tmp_path / "newsark.key").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["newsark.key"]


def test_a_key_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "newsark.key"
    made = make_signing_key(path, "Schlüssel")
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert load_signing_key(path, "Schlüssel").key_id == made.key_id
    with pytest.raises(BadSetting, match="set NEWSARK_SIGNING_PASSPHRASE"):
        load_signing_key(path)
    with pytest.raises(BadSetting, match="cannot be decrypted with NEWSARK_SIGNING_PASSPHRASE") as refused:
        load_signing_key(path, "Geheim")
    assert "Geheim" not in str(refused.value)


def test_a_passphrase_that_a_key_does_not_need_does_not_hurt(tmp_path: Path) -> None:
    made = make_signing_key(tmp_path / "newsark.key")
    assert load_signing_key(tmp_path / "newsark.key", "for another").key_id == made.key_id


RSA = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read: No such file or directory; newsark init --sign makes a key"),
        (b"", "holds no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no private key"),
        ("another kind", "holds another kind of key"),
    ],
)
def test_what_is_no_key_is_refused_by_its_file(tmp_path: Path, data: bytes | str | None, words: str) -> None:
    path = tmp_path / "newsark.key"
    if isinstance(data, str):
        data = subprocess.run(RSA, capture_output=True, check=True).stdout
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadSetting) as refused:
        load_signing_key(path)
    assert str(refused.value).startswith(f"settings: signing_key: {path} ")
    assert words in str(refused.value)


def test_a_key_that_others_can_read_is_used_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "newsark.key"
    make_signing_key(path)
    path.chmod(0o640)
    load_signing_key(path)
    assert caplog.messages == [f"{path} can be read by others on this machine: chmod 600 it"]


def test_a_signer_shows_its_id_and_nothing_of_the_key(signer: Signer, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("%s %r", signer, signer)
    assert caplog.messages == [f"Signer({signer.key_id}) Signer({signer.key_id})"]
    with pytest.raises(TypeError):
        pickle.dumps(signer)


# manifests


def test_the_same_manifest_is_signed_with_the_same_bytes(signer: Signer) -> None:
    signed = sign(MANIFEST, signer)
    assert sign(MANIFEST, signer).to_bytes() == signed.to_bytes()
    assert sign(signed, signer) == signed
    assert signed.to_bytes().endswith(
        b'"previous":null,"signature":{"algorithm":"Ed25519","keyId":"' + signer.key_id.encode() + b'","value":"'
        + signed.signature.value.encode()
        + b'"},"source":"gazette","stem":"gazette-20261123180000-00000-host.example"}'
    )  # fmt: skip


def test_the_signature_is_over_the_manifest_without_it(signer: Signer) -> None:
    signed = sign(MANIFEST, signer)
    assert signed.signature is not None
    assert base64.b64decode(signed.signature.value) == signer.sign(MANIFEST.to_bytes())
    assert replace(signed, signature=None) == MANIFEST


def test_openssl_verifies_a_stored_manifest(signer: Signer, tmp_path: Path) -> None:
    """As docs/format.md says, with nothing of Newsark."""
    facts = json.loads(sign(MANIFEST, signer).to_bytes())
    signature = facts.pop("signature")
    (tmp_path / "signed").write_bytes(
        json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    (tmp_path / "signature").write_bytes(base64.b64decode(signature["value"]))
    (tmp_path / "key.der").write_bytes(signer.der)
    command = "openssl pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -in signed -sigfile signature"
    assert b"Verified Successfully" in subprocess.run(command.split(), cwd=tmp_path, capture_output=True).stdout


def test_a_signed_manifest_is_read_back_and_verified(signer: Signer, other: Signer) -> None:
    signed = sign(MANIFEST, signer)
    assert Manifest.from_bytes(signed.to_bytes()) == signed
    assert check_signature(signed.to_bytes(), keys(signer, other)) is None


def test_a_field_that_a_later_format_adds_is_covered(signer: Signer) -> None:
    facts = {**json.loads(MANIFEST.to_bytes()), "later": [1]}
    value = base64.b64encode(signer.sign(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))).decode()
    facts["signature"] = {"algorithm": "Ed25519", "keyId": signer.key_id, "value": value}
    data = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    assert check_signature(data, keys(signer)) is None
    assert check_signature(data.replace(b"[1]", b"[2]"), keys(signer)) == "wrong-signature"


def test_each_fault_has_its_word(signer: Signer, other: Signer) -> None:
    signed = sign(MANIFEST, signer)
    assert check_signature(MANIFEST.to_bytes(), keys(signer)) == "unsigned"
    assert check_signature(signed.to_bytes(), keys(other)) == "unknown-key"
    assert check_signature(signed.to_bytes(), {signer.key_id: other.public(OPENED)}) == "wrong-signature"
    assert check_signature(replace(signed, previous="00").to_bytes(), keys(signer)) == "wrong-signature"
    assert check_signature(b"", {}) == check_signature(b"[]", {}) == "unsigned"


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "none"},
        {"value": ""},
        {"value": "%%"},
        {"value": "ü"},
        {"value": 7},
        {"extra": 1},
    ],
)
def test_a_signature_of_another_shape_is_wrong(signer: Signer, change: dict[str, object]) -> None:
    facts = json.loads(sign(MANIFEST, signer).to_bytes())
    facts["signature"] |= change
    assert check_signature(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), keys(signer)) == "wrong-signature"


@pytest.mark.parametrize("entry", ["x", [], {}, 1, {"keyId": "a"}])
def test_a_signature_that_is_none_is_wrong(signer: Signer, entry: object) -> None:
    facts = {**json.loads(MANIFEST.to_bytes()), "signature": entry}
    assert check_signature(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), keys(signer)) == "wrong-signature"


def test_other_bytes_with_the_same_meaning_are_wrong(signer: Signer) -> None:
    data = sign(MANIFEST, signer).to_bytes()
    assert check_signature(data + b"\n", keys(signer)) == "wrong-signature"
    assert check_signature(data[:-1] + b',"stem":"' + MANIFEST.stem.encode() + b'"}', keys(signer)) == "wrong-signature"


def test_a_signature_has_one_spelling(signer: Signer) -> None:
    data = sign(MANIFEST, signer).to_bytes()
    value = json.loads(data)["signature"]["value"]
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = value[:-3] + signs[signs.index(value[-3]) ^ 1] + "=="
    assert base64.b64decode(other) == base64.b64decode(value)
    assert check_signature(data.replace(value.encode(), other.encode()), keys(signer)) == "wrong-signature"


@given(data=st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    signer = SIGNER
    whole = bytearray(sign(MANIFEST, signer).to_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    assert check_signature(bytes(whole), keys(signer)) is not None


def _signer() -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET)))


SIGNER = _signer()


# the keys that an archive lists


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    made = DirectoryStore(tmp_path / "store")
    made.put_bytes("newsark.json", b'{"format": 1}')
    return made


def test_a_key_in_newsark_json_is_known(tmp_path: Path, signer: Signer) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("newsark.json", orjson.dumps({"format": 1, "publicKey": signer.public(OPENED).facts()}))
    found = read_keys(store)
    assert found == Keyring({signer.key_id: signer.public(OPENED)})
    assert found.signed_since == OPENED
    assert key_to_list(found, signer, OPENED) is None
    assert list_key(store, signer, OPENED + timedelta(days=1)).since == OPENED
    assert list(store.list("keys/")) == []


def test_an_archive_without_keys_is_not_signed(store: DirectoryStore) -> None:
    assert read_keys(store) == Keyring()
    assert read_keys(store).signed_since is None


def test_signing_begun_later_and_a_new_key_are_listed_with_their_days(
    store: DirectoryStore, signer: Signer, other: Signer
) -> None:
    later = OPENED + timedelta(days=9)
    assert list_key(store, signer, OPENED) == signer.public(OPENED)
    assert list_key(store, other, later) == other.public(later)
    assert list_key(store, signer, later) == signer.public(OPENED)
    found = read_keys(store)
    assert found == Keyring({signer.key_id: signer.public(OPENED), other.key_id: other.public(later)})
    assert found.signed_since == OPENED
    assert [info.key for info in store.list("keys/")] == sorted(f"keys/{one}.json" for one in found.keys)


def test_the_object_that_lists_a_key_is_plain_json(signer: Signer) -> None:
    public = signer.public(OPENED)
    assert check_key(public.object_key) == f"keys/{signer.key_id}.json"
    assert json.loads(public.to_bytes()) == {
        "format": "newsark-key-1",
        "algorithm": "Ed25519",
        "keyId": signer.key_id,
        "der": base64.b64encode(signer.der).decode(),
        "from": "2026-11-23T18:00:00.000000Z",
    }
    assert SECRET not in public.to_bytes().hex()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"nonsense", "it is not JSON"),
        (b"[]", "it is not JSON"),
        (b"{}", "it is no public key"),
        (b'{"algorithm":"RSA","keyId":"a","der":"","from":""}', "its algorithm is 'RSA'"),
        (b'{"algorithm":"Ed25519","keyId":"a","der":"%","from":"2026-11-23T18:00:00Z"}', "it is no public key"),
        (b'{"algorithm":"Ed25519","keyId":"a","der":"","from":"2026-11-23T18:00:00Z"}', "its key id is e3b0c442"),
        (b'{"algorithm":"Ed25519","keyId":"a","der":"","from":"soon"}', "is not a WARC-Date"),
    ],
)
def test_what_lists_no_key_is_a_fault_and_hides_no_other(
    store: DirectoryStore, signer: Signer, data: bytes, words: str
) -> None:
    store.put_bytes("keys/0.json", data)
    list_key(store, signer, OPENED)
    found = read_keys(store)
    assert list(found.keys) == [signer.key_id]
    ((key, message),) = found.faults
    assert key == "keys/0.json"
    assert words in message


def test_a_key_under_another_name_is_a_fault(store: DirectoryStore, signer: Signer) -> None:
    store.put_bytes("keys/0.json", signer.public(OPENED).to_bytes())
    found = read_keys(store)
    assert (dict(found.keys), len(found.faults)) == ({}, 1)


# findings


def problems(data: bytes, ring: Keyring) -> list[str]:
    found = manifest_problems("k", data, ring.keys, stamp=None, certificates=(), signed_since=ring.signed_since)
    return [kind for kind, _ in found]


def test_only_what_was_made_since_signing_began_has_to_be_signed(signer: Signer) -> None:
    begun = Keyring({signer.key_id: signer.public(OPENED)})
    before = replace(MANIFEST, created=OPENED - timedelta(microseconds=1))
    assert problems(MANIFEST.to_bytes(), Keyring()) == []
    assert problems(before.to_bytes(), begun) == []
    assert problems(MANIFEST.to_bytes(), begun) == ["unsigned"]
    assert problems(b"no manifest", begun) == []


def test_findings_have_the_words_of_the_signature(signer: Signer, other: Signer) -> None:
    ring = Keyring({signer.key_id: signer.public(OPENED)})
    assert problems(sign(MANIFEST, signer).to_bytes(), ring) == []
    assert problems(sign(MANIFEST, other).to_bytes(), ring) == ["unknown-key"]
    assert problems(sign(MANIFEST, other).to_bytes(), Keyring()) == ["unknown-key"]
    forged = replace(MANIFEST, signature=Signature(signer.key_id, "AAAA"))
    assert problems(forged.to_bytes(), ring) == ["wrong-signature"]
