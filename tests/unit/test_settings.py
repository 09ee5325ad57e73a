"""Settings: defaults, then a file, then the environment; secrets from files; every mistake one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import Settings, check_zone, load_settings, read_secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "somnolink.toml"
    path.write_text(
        """
[broker]
url = "mqtts://broker.example"
[home]
gateway = "home-7"
zone = "Europe/Berlin"
outbox_mib = 64
[service]
auto_enrol = true
"""
    )
    return path


def test_without_anything_the_defaults_stand_and_nothing_is_open_to_strangers() -> None:
    settings = load_settings(None, {})
    assert settings == Settings()
    assert settings.service.auto_enrol is False
    assert settings.service.http_host == "127.0.0.1"
    assert settings.home.mode == "stored"


def test_the_file_wins_over_the_defaults_and_the_environment_over_the_file(file: Path) -> None:
    settings = load_settings(file, {})
    assert (settings.home.gateway, settings.home.outbox_mib, settings.home.mode) == ("home-7", 64, "stored")
    assert settings.broker.url == "mqtts://broker.example"
    changed = load_settings(
        file,
        {
            "SOMNOLINK_HOME_OUTBOX_MIB": "8",
            "SOMNOLINK_HOME_MODE": "both",
            "SOMNOLINK_SERVICE_AUTO_ENROL": "false",
            "SOMNOLINK_SERVICE_HTTP_PORT": "0",
            "UNRELATED_HOME_MODE": "live",
        },
    )
    assert (changed.home.gateway, changed.home.outbox_mib, changed.home.mode) == ("home-7", 8, "both")
    assert (changed.service.auto_enrol, changed.service.http_port) == (False, 0)


def test_how_long_is_kept_what_may_be_said_by_kind() -> None:
    kept = load_settings(None, {"SOMNOLINK_RETENTION_WAVEFORM_DAYS": "30", "SOMNOLINK_RETENTION_FEED_DAYS": "1"})
    assert (kept.retention.waveform_days, kept.retention.feed_days, kept.retention.oximetry_days) == (30, 1, 0)
    assert load_settings(None, {"SOMNOLINK_LOG_FORMAT": "json"}).log.format == "json"


def test_the_environment_may_name_the_file(file: Path) -> None:
    assert load_settings(None, {"SOMNOLINK_CONFIG": str(file)}).home.gateway == "home-7"
    assert load_settings(None, {"SOMNOLINK_CONFIG": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[home]\ncolour = 1", "colour"),
        ("[hoem]\n", "hoem"),
        ("[home]\nmode = 'sometimes'", "sometimes"),
        ("[home]\noutbox_mib = 0", "outbox_mib"),
        ("[home]\noutbox_mib = 'much'", "outbox_mib"),
        ("[service]\nhttp_port = 65536", "http_port"),
        ("[service]\nhttp_port = -1", "http_port"),
        ("[home]\nzone = 'Europe/Bielefeld'", "unknown time zone 'Europe/Bielefeld'"),
        ("[service]\nzone = '../../etc/passwd'", "unknown time zone"),
        ("[home]\nzone = ''", "unknown time zone ''"),
        ("home = 3", "home"),
        ("[retention]\nwaveform_days = 29", "waveform_days: samples are kept for 30 days at least"),
        ("[retention]\nfeed_days = -1", "feed_days"),
        ("[retention]\npatient_days = 30", "patient_days"),
        ("[service]\nhttp_key_file = 'server.key'", "http_certificate_file and service.http_key_file go together"),
        ("[service]\nhttp_rate_per_s = -1", "http_rate_per_s"),
        ("[service]\nhttp_burst = 0", "http_burst"),
        ("[log]\nformat = 'xml'", "xml"),
        ("[home", "settings"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    for environment in ({}, {"SOMNOLINK_HOME_GATEWAY": "home-1"}):
        with pytest.raises(ConfigurationError, match=words) as caught:
            load_settings(path, environment)
        assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml: No such file"):
        load_settings(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigurationError, match="settings"):
        load_settings(tmp_path, {})
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"binary\.toml"):
        load_settings(binary, {})


def test_a_setting_of_the_environment_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="SOMNOLINK_HOME_COLOUR: there is no such setting"):
        load_settings(None, {"SOMNOLINK_HOME_COLOUR": "red"})
    with pytest.raises(ConfigurationError, match="of the environment"):
        load_settings(None, {"SOMNOLINK_HOME_OUTBOX_MIB": "many"})


def test_zones_are_iana_names() -> None:
    assert check_zone("Pacific/Chatham").key == "Pacific/Chatham"
    for wrong in ("Mars/Olympus", "/etc/localtime", "CEST+1", "a" * 10_000):
        with pytest.raises(ConfigurationError, match="unknown time zone"):
            check_zone(wrong)


def test_a_secret_is_the_text_of_its_file_and_its_absence_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("  s3cret\n")
    assert read_secret(str(secret), "the token") == "s3cret"
    assert read_secret("", "the token") is None
    secret.write_text("\n")
    with pytest.raises(ConfigurationError, match=r"the token in .* is empty"):
        read_secret(str(secret), "the token")
    with pytest.raises(ConfigurationError, match=r"the token in .* cannot be read"):
        read_secret(str(tmp_path / "absent"), "the token")
    secret.write_bytes(b"\xff\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_secret(str(secret), "the token")


def test_a_section_of_two_words_is_found_in_the_environment() -> None:
    settings = load_settings(None, {"SOMNOLINK_SIGN_IN_SESSION_IDLE_MIN": "5", "SOMNOLINK_SIGN_IN_OIDC_CLAIM": "upn"})
    assert (settings.sign_in.session_idle_min, settings.sign_in.oidc_claim) == (5, "upn")
    for wrong in ("SOMNOLINK_SIGN_IN_IDLE", "SOMNOLINK_SERVICE_SIGN_IN"):
        with pytest.raises(ConfigurationError, match=wrong):
            load_settings(None, {wrong: "5"})
    with pytest.raises(ConfigurationError, match=r"service\.public_url"):
        load_settings(None, {"SOMNOLINK_SERVICE_PUBLIC_URL": "sleep.example.org"})
    for minutes, taken in (("0", False), ("1", True), ("1440", True), ("1441", False)):
        given = {"SOMNOLINK_SIGN_IN_SESSION_IDLE_MIN": minutes}
        if taken:
            assert load_settings(None, given).sign_in.session_idle_min == int(minutes)
        else:
            with pytest.raises(ConfigurationError, match="session_idle_min"):
                load_settings(None, given)
