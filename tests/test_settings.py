"""Settings: which place wins, what an empty value means, and what is said about a mistake."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsark.home import Home
from newsark.proofs import authority_of, certificates_of, signer_of, signing_passphrase
from newsark.settings import NewsarkSettings, load_settings
from newsark.settingsfile import commented_file
from storage.errors import BadSetting
from storage.vouching.signing import make_signing_key


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NEWSARK_")]:
        monkeypatch.delenv(name)


def mistake(directory: Path, text: str = "", **options: object) -> str:
    """What is said about a newsark.toml of that text, and these options."""
    (directory / "newsark.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSetting) as caught:
        load_settings(directory, options)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_options_go_before_variables_and_variables_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "newsark.toml").write_text('contact = "file@a.example"\nworkers = 1\noperator = "File"')
    monkeypatch.setenv("NEWSARK_CONTACT", "variable@a.example")
    monkeypatch.setenv("NEWSARK_WORKERS", "2")
    found = load_settings(tmp_path, {"contact": "option@a.example", "workers": None})
    assert (found.contact, found.workers, found.operator) == ("option@a.example", 2, "File")


def test_a_relative_archive_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsark.toml").write_text('archive = "kept"')
    assert load_settings(tmp_path, {}).archive == str(tmp_path / "kept")


def test_a_file_without_an_archive_has_it_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "newsark.toml").write_text("")
    assert Path(load_settings(tmp_path, {}).archive) == tmp_path / "archive"


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "newsark.toml").write_text('archive = "~/kept"')
    assert Path(load_settings(tmp_path, {}).archive) == tmp_path / "kept"
    assert Home(tmp_path, load_settings(tmp_path / "other", {"archive": "~/x"})).archive_name == str(tmp_path / "x")


def test_a_relative_key_and_certificate_file_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "newsark.toml").write_text('signing_key = "newsark.key"\ntimestamp_certificates = "/etc/tsa.pem"')
    found = load_settings(tmp_path, {})
    assert (found.signing_key, found.timestamp_certificates) == (str(tmp_path / "newsark.key"), "/etc/tsa.pem")
    monkeypatch.setenv("NEWSARK_SIGNING_KEY", "here.key")
    assert load_settings(tmp_path, {}).signing_key == "here.key"


def test_the_passphrase_is_no_setting_and_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARK_SIGNING_PASSPHRASE", "open sesame")
    assert "open sesame" not in repr(load_settings(tmp_path, {}))
    assert signing_passphrase() == "open sesame"
    (tmp_path / "newsark.toml").write_text('signing_passphrase = "open sesame"')
    with pytest.raises(BadSetting, match="no such setting"):
        load_settings(tmp_path, {})


def test_what_vouches_for_an_archive_is_as_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = load_settings(tmp_path, {})
    assert (signer_of(none), authority_of(none), certificates_of(none)) == (None, None, ())
    monkeypatch.setenv("NEWSARK_SIGNING_PASSPHRASE", "open sesame")
    made = make_signing_key(tmp_path / "newsark.key", "open sesame")
    rows = ['signing_key = "newsark.key"', 'timestamp_url = "http://a/"', 'timestamp_certificates = "none.pem"']
    (tmp_path / "newsark.toml").write_text("\n".join(rows))
    settings = load_settings(tmp_path, {})
    signer = signer_of(settings)
    assert signer is not None
    assert signer.key_id == made.key_id
    with pytest.raises(BadSetting, match=r"timestamp_certificates: .*none\.pem cannot be read"):
        authority_of(settings)


def test_an_empty_variable_or_text_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newsark.toml").write_text('contact = ""\noperator = "File"')
    monkeypatch.setenv("NEWSARK_OPERATOR", "")
    found = load_settings(tmp_path, {})
    assert (found.contact, found.operator) == (None, "File")


@pytest.mark.parametrize("text", ["localhost:8080 [::1]:81", "localhost:8080, [::1]:81", "localhost:8080,[::1]:81"])
def test_hosts_in_a_variable_stand_between_spaces_or_commas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("NEWSARK_ALLOW_HOSTS", text)
    assert load_settings(tmp_path, {}).allow_hosts == ("localhost:8080", "[::1]:81")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('contakt = "a@b.example"', ("contakt", "did you mean 'contact'?")),
        ("colour = 1", ("colour", "known settings: archive, contact")),
        ("workers = 0", ("workers", "must be at least 1, not 0")),
        ("workers = 1.5", ("workers", "must be a whole number, not 1.5")),
        ('delay_seconds = "soon"', ("delay_seconds", "must be a number, not 'soon'")),
        ("delay_seconds = inf", ("delay_seconds", "must be an ordinary number")),
        ("fetch_timeout_seconds = 0", ("fetch_timeout_seconds", "must be more than 0, not 0")),
        ("contact = 5", ("contact", "must be text in quotes, not 5")),
        ('contact = "me"', ("contact", "e-mail address or a URL")),
        ('contact = "a@b\\nX-Evil: 1"', ("contact", "one line of ASCII")),
        ('user_agent = "Архив"', ("user_agent", "one line of ASCII")),
        ('allow_hosts = "localhost"', ("allow_hosts", "must be a list")),
        ('allow_hosts = ["a b"]', ("allow_hosts", "host or host:port")),
        ('timestamp_url = "tsa.example"', ("timestamp_url", "must be an http:// or https:// URL")),
        ("signing_key = 1", ("signing_key", "must be text in quotes, not 1")),
        ("workers = = 1", ("newsark.toml", "is not TOML", "line 1")),
    ],
)
def test_a_mistake_in_the_file_names_file_setting_and_cure(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    said = mistake(tmp_path, text)
    assert str(tmp_path / "newsark.toml") in said
    for word in words:
        assert word in said


def test_a_mistake_in_an_option_names_the_option(tmp_path: Path) -> None:
    assert mistake(tmp_path, contact="me").startswith("option: --contact: must be an e-mail address or a URL")
    assert mistake(tmp_path, fetch_timeout_seconds=0.0).startswith("option: --timeout: ")


def test_a_mistake_in_a_variable_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARK_WORKERS", "many")
    assert mistake(tmp_path) == "environment: NEWSARK_WORKERS: must be a whole number, not 'many'"


def test_a_variable_that_is_nearly_a_setting_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARK_CONTACTS", "a@b.example")
    assert "did you mean NEWSARK_CONTACT?" in mistake(tmp_path)


def test_a_variable_that_is_like_no_setting_belongs_to_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSARK_ZZZ_QQQ", "1")
    monkeypatch.setenv("NEWSARK_HOME", str(tmp_path))
    assert load_settings(tmp_path, {}) == NewsarkSettings.model_validate({})


def test_newsark_home_is_where_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARK_HOME", str(tmp_path))
    with pytest.raises(BadSetting, match=r"NEWSARK_HOME: .* has no newsark\.toml"):
        Home.here()
    (tmp_path / "newsark.toml").write_text("")
    home = Home.here()
    assert (home.archive_name, home.sources_directory) == (str(tmp_path / "archive"), tmp_path / "sources")


def test_the_file_that_init_writes_names_every_setting_and_sets_none_but_the_given(tmp_path: Path) -> None:
    text = commented_file("a@b.example", None)
    assert tomllib.loads(text) == {"contact": "a@b.example", "archive": "./archive"}
    for name, field in NewsarkSettings.model_fields.items():
        assert f"\n# {field.description}\n" in text
        assert f"{name} = " in text


def test_every_line_of_that_file_can_be_used(tmp_path: Path) -> None:
    lines = commented_file(None, None).splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line]
    (tmp_path / "newsark.toml").write_text("\n".join(settings), encoding="utf-8")
    found = load_settings(tmp_path, {})
    assert found.model_fields_set == set(NewsarkSettings.model_fields)


ONE_LINE = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=40).map(str.strip)


@given(operator=ONE_LINE)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_operator_is_called_is_read_back(tmp_path: Path, operator: str) -> None:
    (tmp_path / "newsark.toml").write_text(commented_file(None, operator), encoding="utf-8")
    assert load_settings(tmp_path, {}).operator == (operator or None)
