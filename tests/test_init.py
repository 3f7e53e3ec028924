"""`newsark init`: a home, a contact, a signing key."""

from __future__ import annotations

import stat
from pathlib import Path

from newsark.settings import load_settings
from storage.vouching.signing import load_signing_key
from tests.cli import newsark, on_a_terminal


def test_init_makes_a_home_and_never_asks_where_nobody_can_answer(tmp_path: Path) -> None:
    ran = newsark("init", "my archive", cwd=tmp_path, stdin=b"a@b.example\n")
    assert (ran.code, ran.err) == (0, "")
    assert "No contact is set." in ran.out
    assert "Next: cd 'my archive' && newsark sources add" in ran.out
    assert sorted(path.name for path in (tmp_path / "my archive").rglob("*")) == [
        "_example.toml",
        "newsark.toml",
        "sources",
    ]
    again = newsark("init", "my archive", cwd=tmp_path)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "is there already" in again.err


def test_init_makes_a_signing_key_for_its_owner_alone(tmp_path: Path) -> None:
    ran = newsark("init", "--sign", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    key = tmp_path / "newsark.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    signer = load_signing_key(key)
    assert f"Made newsark.key, key id {signer.key_id}\n" in ran.out
    assert load_settings(tmp_path, {}).signing_key == str(key)
    assert '\nsigning_key = "newsark.key"\n' in (tmp_path / "newsark.toml").read_text()


def test_init_makes_a_key_for_a_home_that_is_there_and_leaves_its_settings_alone(tmp_path: Path) -> None:
    (tmp_path / "newsark.toml").write_text("workers = 3\n")
    environment = {"NEWSARK_SIGNING_PASSPHRASE": "open sesame"}
    ran = newsark("init", "--sign", cwd=tmp_path, environment=environment)
    assert (ran.code, ran.err) == (0, "")
    assert 'To sign from now on, add to newsark.toml: signing_key = "newsark.key"\n' in ran.out
    assert load_signing_key(tmp_path / "newsark.key", "open sesame").key_id in ran.out
    assert (tmp_path / "newsark.toml").read_text() == "workers = 3\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["newsark.key", "newsark.toml"]


def test_init_never_makes_a_second_key(tmp_path: Path) -> None:
    (tmp_path / "newsark.key").write_text("a key")
    again = newsark("init", "--sign", cwd=tmp_path)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "newsark.key is there already and stays as it is" in again.err
    assert (tmp_path / "newsark.key").read_text() == "a key"
    assert not (tmp_path / "newsark.toml").exists()
    (tmp_path / "newsark.toml").write_text('signing_key = "other.key"')
    again = newsark("init", "--sign", cwd=tmp_path)
    assert (again.code, "names a signing key already" in again.err) == (2, True)


def test_init_asks_at_a_terminal_until_it_has_a_contact(tmp_path: Path) -> None:
    code, screen = on_a_terminal("init", cwd=tmp_path, typed=b"me\nme@here.example\n")
    assert code == 0
    assert "It must be an e-mail address or a URL" in screen
    text = (tmp_path / "newsark.toml").read_text()
    assert '\ncontact = "me@here.example"\n' in text


def test_init_takes_no_answer_for_an_answer(tmp_path: Path) -> None:
    code, screen = on_a_terminal("init", cwd=tmp_path, typed=b"\n")
    assert (code, "No contact is set." in screen) == (0, True)
    assert "\n# contact = " in (tmp_path / "newsark.toml").read_text()
