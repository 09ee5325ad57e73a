"""The one settings object: defaults, then a TOML file, then the environment. Secrets come from files.

A setting ``[service] http_port`` of the file is ``SOMNOLINK_SERVICE_HTTP_PORT`` in the environment. The file is the
one that ``--config`` or ``SOMNOLINK_CONFIG`` names.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.errors import ConfigurationError

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
T = TypeVar("T")

LEAST_DAYS: Final = 30
"""No sample is deleted sooner: a home that was away for weeks still brings the rest of a night."""


class BrokerSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The MQTT broker.

    Attributes
    ----------
    url : str
        ``mqtt://host[:port]``, ``mqtts://host[:port]``.
    password_file : str
        File that holds the password, and nothing else.
    ca_file : str
        Certificate authority of a broker that is not known to the system.
    dynamic_security : bool
        Whether the service makes the broker's accounts, by Mosquitto's dynamic security plugin. Off: they are made by
        hand, and no home can join by a code.
    admin_user, admin_password_file : str
        The account that may command that plugin, and the file with its password; the homes' passwords are made from
        it too.
    home_url : str
        The broker's address as homes reach it; empty: `url`.
    """

    url: str = "mqtt://127.0.0.1:1883"
    password_file: str = ""
    ca_file: str = ""
    dynamic_security: bool = False
    admin_user: str = "somnolink-admin"
    admin_password_file: str = ""
    home_url: str = ""


class HomeSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The gateway beside the bed.

    Attributes
    ----------
    gateway : str
        Its id, which is its user name at the broker.
    mode : str
        What is asked of oximeters that can do both: `stored` pull, `live` stream, or `both`.
    zone : str
        IANA name of the home's time zone.
    live_ms : int
        How often a device is asked that has to be asked for each live reading.
    page_host, page_port
        Where the gateway's own page is; port 0: nowhere. Another host than this computer shows it to all the home.
    bluetooth_restart : str
        Command that restarts the Bluetooth service when nothing else helps, such as
        ``systemctl restart bluetooth``; empty: that is left out.
    proxies : str
        ESPHome Bluetooth proxies in other rooms, ``host`` or ``host:port``, with commas between them.
    proxies_key_file : str
        File that holds their encryption key.
    assistant_url : str
        Home Assistant's broker, ``mqtt://host[:port]``; empty: the devices are not shown there.
    assistant_prefix : str
        Home Assistant's discovery prefix.
    """

    gateway: str = "home"
    data: str = "~/.local/share/somnolink/home"
    mode: Literal["stored", "live", "both"] = "stored"
    zone: str = "UTC"
    live_ms: Annotated[int, msgspec.Meta(ge=250, le=10_000)] = 4_000
    outbox_mib: Positive = 1024
    page_host: str = "127.0.0.1"
    page_port: Port = 8088
    bluetooth_restart: str = ""
    proxies: str = ""
    proxies_key_file: str = ""
    assistant_url: str = ""
    assistant_user: str = ""
    assistant_password_file: str = ""
    assistant_prefix: str = "homeassistant"


class ServiceSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The service in the clinic.

    Attributes
    ----------
    store : str
        ``sqlite:///PATH``, ``influx+v1://HOST:PORT/DB``, ``influx+v2://HOST:PORT?org=ORG&bucket=BUCKET``; empty: an
        SQLite file in `data`.
    store_token_file : str
        File that holds the token of an InfluxDB.
    records : str
        ``sqlite:///PATH`` or ``postgresql://...``; empty: an SQLite file in `data`.
    auto_enrol : bool
        Whether the first gateway that speaks for an unknown device becomes its owner. Off: enrol it first.
    zone : str
        IANA name of the zone given to a device that is enrolled so.
    http_certificate_file, http_key_file : str
        PEM files by which the service itself answers HTTPS; empty: plain HTTP, for this computer or a proxy before it.
    http_trusted_proxies : str
        Addresses or networks of proxies, by comma, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    http_rate_per_s, http_burst : int
        Requests a second that one address may make in the long run, and at once; rate 0: as many as it likes.
    public_url : str
        Address of the service as people and homes reach it, ``https://...``; empty: the one that whoever asks uses.
    metrics_token_file : str
        File that holds the token by which Prometheus reads the metrics; empty: `somnolink token` makes one.
    """

    data: str = "~/.local/share/somnolink/service"
    store: str = ""
    store_token_file: str = ""
    records: str = ""
    records_password_file: str = ""
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    http_certificate_file: str = ""
    http_key_file: str = ""
    http_trusted_proxies: str = "127.0.0.1"
    http_rate_per_s: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 50
    http_burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 500
    auto_enrol: bool = False
    zone: str = "UTC"
    public_url: str = ""
    metrics_token_file: str = ""


class SignInSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How people sign in to the service.

    Attributes
    ----------
    session_idle_min : int
        A session ends so many minutes after its last request.
    session_hours : int
        And so many hours after it was begun, however busy it is.
    staff_second_factor : bool
        Whether everybody but patients must have a second factor: a session without it opens the own account alone.
    factor_key_file : str
        File that holds the key by which secrets of second factors are sealed in the records; empty: they are plain.
    oidc_issuer : str
        OpenID Connect provider, as its discovery document names it; empty: none.
    oidc_client_id, oidc_client_secret_file : str
        What the provider knows this service by; without a secret it is a public client.
    oidc_name : str
        What the provider is called on the sign-in page.
    oidc_claim : str
        Claim that holds the user's name; of `email`, only an address that the provider has verified counts.
    """

    session_idle_min: Annotated[int, msgspec.Meta(ge=1, le=1_440)] = 30
    session_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 12
    staff_second_factor: bool = False
    factor_key_file: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret_file: str = ""
    oidc_name: str = ""
    oidc_claim: str = "email"


class RetentionSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """For how many days what is kept; 0: for ever. Results, people, alerts and audit are always kept.

    Attributes
    ----------
    oximetry_days, wear_days, waveform_days, bed_days, blood_pressure_days, device_days : int
        Samples by kind; `LEAST_DAYS` or more.
    feed_days : int
        Events of the feed: who was away for longer misses some. The alerts themselves stay, with their history.
    set_aside_days : int
        Messages that could not be stored.
    """

    oximetry_days: Days = 0
    wear_days: Days = 0
    waveform_days: Days = 90
    bed_days: Days = 0
    blood_pressure_days: Days = 0
    device_days: Days = 365
    feed_days: Days = 90
    set_aside_days: Days = 365


class LogSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the programs log, on stderr.

    Attributes
    ----------
    format : str
        `text` for people, `json` (one object a line) for whatever gathers logs.
    """

    format: Literal["text", "json"] = "text"


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All settings of both programs."""

    broker: BrokerSettings = msgspec.field(default_factory=BrokerSettings)
    home: HomeSettings = msgspec.field(default_factory=HomeSettings)
    service: ServiceSettings = msgspec.field(default_factory=ServiceSettings)
    sign_in: SignInSettings = msgspec.field(default_factory=SignInSettings)
    retention: RetentionSettings = msgspec.field(default_factory=RetentionSettings)
    log: LogSettings = msgspec.field(default_factory=LogSettings)


_SECTIONS = {
    "BROKER": BrokerSettings,
    "HOME": HomeSettings,
    "SERVICE": ServiceSettings,
    "SIGN_IN": SignInSettings,
    "RETENTION": RetentionSettings,
    "LOG": LogSettings,
}
PREFIX = "SOMNOLINK_"


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Parameters
    ----------
    path : Path or None
        The TOML file; None takes the one that ``SOMNOLINK_CONFIG`` names, or none.
    environment : mapping or None
        None takes the process's own.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or a setting does not exist or is out of range; the text names it.
    """
    variables = os.environ if environment is None else environment
    if path is None and variables.get(PREFIX + "CONFIG"):
        path = Path(variables[PREFIX + "CONFIG"])
    tree: dict[str, object] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.expanduser().read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"settings {path}: {error.strerror or error}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"settings {path}: {error}") from None
    for name, value in variables.items():
        section = next((one for one in _SECTIONS if name.startswith(f"{PREFIX}{one}_")), None)
        if section is not None:
            kind, key = _SECTIONS[section], name.removeprefix(f"{PREFIX}{section}_")
            if key.lower() not in kind.__struct_fields__:
                raise ConfigurationError(f"{name}: there is no such setting")
            given = tree.setdefault(section.lower(), {})
            if isinstance(given, dict):  # else the file is wrong, and is told so below
                given[key.lower()] = value
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"settings {path or 'of the environment'}: {error}") from None
    for zone in (settings.home.zone, settings.service.zone):
        check_zone(zone)
    if settings.service.public_url and not settings.service.public_url.startswith(("https://", "http://")):
        raise ConfigurationError("service.public_url is an address that begins with https://")
    if bool(settings.service.http_certificate_file) != bool(settings.service.http_key_file):
        raise ConfigurationError("service.http_certificate_file and service.http_key_file go together")
    broker = settings.broker
    if broker.dynamic_security and not (broker.admin_password_file and broker.password_file):
        raise ConfigurationError("broker.dynamic_security needs broker.admin_password_file and broker.password_file")
    for name, days in msgspec.structs.asdict(settings.retention).items():
        if 0 < days < LEAST_DAYS and name not in ("feed_days", "set_aside_days"):
            raise ConfigurationError(
                f"retention.{name}: samples are kept for {LEAST_DAYS} days at least, or 0: for ever"
            )
    return settings


def check_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name; `ConfigurationError` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(f"unknown time zone {name!r}: give an IANA name such as Europe/Berlin") from None


def read_secret(path: str, what: str) -> str | None:
    """Read a secret from its file; None where no file is named.

    Raises
    ------
    ConfigurationError
        The file cannot be read or is empty.
    """
    if not path:
        return None
    try:
        secret = Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{what} in {path} cannot be read: {error}") from None
    if not secret:
        raise ConfigurationError(f"{what} in {path} is empty")
    return secret
