"""The configuration's keys: each is declared here once, with what it means and what it allows.

`davenport.server.config_layers.load` reads them from where people give them.
"""

import json
import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from davenport.dav.xml import XmlLimits
from davenport.objects.limits import Limits

ENVIRONMENT_PREFIX = "DAVENPORT_"
WORKER_ENVIRONMENT = "DAVENPORT_WORKER_CONFIGURATION"
"""The variable by which `serve` hands the whole configuration to its worker processes."""

_OBJECT_LIMITS = Limits()
_KIB = 1024
_MIB = 1024 * _KIB


def _key(default: object, meaning: str, allowed: str) -> Any:  # noqa: ANN401 - stands for any field
    return Field(
        default, description=meaning, json_schema_extra={"allowed": allowed}, validate_default=False
    )


def _size(default: int, meaning: str) -> Any:  # noqa: ANN401 - stands for any field
    return _key(ByteSize(default), meaning, 'a number of bytes of at least 1, or a size: "2 MiB"')


def _count(default: int, meaning: str) -> Any:  # noqa: ANN401 - stands for any field
    return _key(default, meaning, "a whole number of at least 1")


def split_address(text: str) -> tuple[str, int]:
    """Split HOST:PORT or [IPV6]:PORT; raises ValueError when it is neither."""
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    if not colon or not host or (":" in host) != bracketed or any(c in host for c in " /[]"):
        raise ValueError("not HOST:PORT")
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port) <= 65535:
        raise ValueError("the port is not a number from 1 to 65535")
    return host, int(port)


def _check_listen(text: str) -> str:
    host, port = split_address(text)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_store(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("not a PostgreSQL URL")
    return secret


_SEGMENT_CHARACTERS = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)


def _check_prefix(text: str) -> str:
    text = text.rstrip("/")
    segments = text.split("/")
    if text and (
        segments[0]
        or any(not s or s in {".", ".."} or set(s) - _SEGMENT_CHARACTERS for s in segments[1:])
    ):
        raise ValueError("not a path of plain segments")
    return text


def _check_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (
        parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment
    ):
        raise ValueError("not an http or https URL")
    if "@" in parts.netloc:
        raise ValueError("a public URL carries no login")
    return text.rstrip("/")


def _check_realm(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or set(text) & set('"\\'):
        raise ValueError("not printable ASCII")
    return text


def _split_list(value: object) -> object:
    """A list may come from the environment as one text, separated by commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _expand(path: Path) -> Path:
    return path.expanduser().absolute()


def default_data() -> Path:
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/davenport")
    return user_data_path("davenport", appauthor=False)


AbsolutePath = Annotated[Path, AfterValidator(_expand)]
Network = IPv4Network | IPv6Network
Size = Annotated[ByteSize, Field(ge=1)]
Count = Annotated[int, Field(ge=1)]
Key = Annotated[int, Field(ge=1, le=1024)]  # What an index of the database takes.
Seconds = Annotated[float, Field(gt=0, le=3600)]


class RequestLimits(BaseModel):
    """What one request or one object may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar_object: Size = _size(_MIB, "bytes of one calendar object")
    address_object: Size = _size(4 * _MIB, "bytes of one vCard (they hold photos)")
    xml_body: Size = _size(2 * _MIB, "bytes of an XML request body")
    xml_depth: Count = _count(64, "nesting of an XML request body")
    xml_elements: Count = _count(50_000, "elements of an XML request body")
    multiget_hrefs: Count = _count(5_000, "hrefs of one multiget")
    uri: Size = _size(4 * _KIB, "bytes of a request's path and query")
    segment: Key = _key(255, "bytes of one decoded path segment", "a whole number up to 1024")
    uid_length: Key = _key(1024, "bytes of a UID", "a whole number up to 1024")
    properties: Count = _count(_OBJECT_LIMITS.max_properties, "properties of one object")
    components: Count = _count(_OBJECT_LIMITS.max_components, "components of one object")
    component_depth: Count = _count(_OBJECT_LIMITS.max_depth, "nesting of components in an object")
    attendees: Count = _count(_OBJECT_LIMITS.max_attendees, "attendees of one object")
    rule_steps: Count = _count(
        _OBJECT_LIMITS.rule_steps, "steps that one object's recurrence may take"
    )
    answer_bytes: Size = _size(64 * _MIB, "bytes of one multistatus answer")
    collections_per_home: Count = _count(1_000, "collections in one home")
    property_bytes: Size = _size(
        64 * _KIB, "bytes of one property set by a client, and of all those of one object"
    )
    resource_property_bytes: Size = _size(
        512 * _KIB, "bytes of all properties that clients set on a collection"
    )
    hash_concurrency: Annotated[int, Field(ge=0, le=1024)] = _key(
        0, "password hashes computed at once by a worker", "a whole number; 0 is one per core"
    )
    header_timeout: Seconds = _key(
        10.0, "seconds in which a request's header must arrive", "seconds, more than 0"
    )
    body_idle_timeout: Seconds = _key(
        30.0, "seconds for which a request's body may stall", "seconds, more than 0"
    )

    @cached_property
    def xml(self) -> XmlLimits:
        """The limits of an XML request body that `davenport.dav.xml` counts."""
        return XmlLimits(depth=self.xml_depth, elements=self.xml_elements)

    @cached_property
    def objects(self) -> Limits:
        """The limits that `davenport.objects` counts."""
        return Limits(
            max_properties=self.properties,
            max_components=self.components,
            max_depth=self.component_depth,
            max_attendees=self.attendees,
            rule_steps=self.rule_steps,
            max_uid_length=self.uid_length,
        )


class Configuration(BaseSettings):
    """The effective configuration: immutable, and only what it is given (`load` merges)."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    data: AbsolutePath = Field(
        default_factory=default_data,
        description="the folder that holds the data",
        json_schema_extra={"allowed": "a folder"},
    )
    store: Annotated[SecretStr, AfterValidator(_check_store)] = _key(
        SecretStr(""),
        "where the objects are kept: SQLite in the data folder, or PostgreSQL",
        '"" for SQLite, or postgresql://USER:PASSWORD@HOST/DATABASE',
    )
    listen: Annotated[str, AfterValidator(_check_listen)] = _key(
        "127.0.0.1:5232",
        "the address to listen on",
        "HOST:PORT, such as 127.0.0.1:5232 or [::1]:5232",
    )
    workers: Annotated[int, Field(ge=0, le=1024)] = _key(
        0, "worker processes", "a whole number up to 1024; 0 is one per core"
    )
    path_prefix: Annotated[str, AfterValidator(_check_prefix)] = _key(
        "", "the path under which a proxy publishes the server", '"", or a path such as /cal'
    )
    public_url: Annotated[str, AfterValidator(_check_url)] = _key(
        "",
        "the URL by which people reach the server, to be printed for them",
        '"", or a URL such as https://dav.example.org',
    )
    realm: Annotated[str, AfterValidator(_check_realm)] = _key(
        "davenport",
        "the realm that clients show and store passwords under",
        "printable ASCII without quotes and backslashes",
    )
    log_format: Literal["text", "json"] = _key("text", "how the log is written", "text or json")
    log_level: Literal["debug", "info", "warning", "error"] = _key(
        "info", "what is logged", "debug, info, warning or error"
    )
    trusted_proxies: Annotated[
        tuple[Network, ...], NoDecode, BeforeValidator(_split_list), Field(max_length=1000)
    ] = _key(
        (),
        "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
        "a list of IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8",
    )
    shutdown_timeout: Annotated[int, Field(ge=1, le=3600)] = _key(
        30,
        "seconds that requests in flight are given when the server stops",
        "whole seconds from 1 to 3600",
    )
    htpasswd: Annotated[AbsolutePath | None, BeforeValidator(_empty_is_none)] = _key(
        None, "a file of existing users (bcrypt or argon2)", '"", or the path of a file'
    )
    limits: RequestLimits = Field(default_factory=RequestLimits)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given counts: `load` merges the layers and knows whence a value is."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def host(self) -> str:
        """The host of `listen`, without brackets."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The port of `listen`."""
        return split_address(self.listen)[1]

    @property
    def store_location(self) -> str:
        """What `davenport.storage.open_store` takes; may hold a password, so never print it."""
        return self.store.get_secret_value() or str(self.data / "davenport.sqlite3")

    @property
    def worker_count(self) -> int:
        """Worker processes to start."""
        return self.workers or _cores()

    @property
    def hash_concurrency(self) -> int:
        """Password hashes that one worker computes at once."""
        return self.limits.hash_concurrency or _cores()

    def to_environment(self) -> dict[str, str]:
        """The variable that carries this configuration, secrets included, to worker processes."""
        values = self.model_dump(mode="json") | {"store": self.store.get_secret_value()}
        return {WORKER_ENVIRONMENT: json.dumps(values)}

    @classmethod
    def from_environment(cls) -> Self:
        """The configuration that `to_environment` handed over; raises KeyError outside `serve`."""
        return cls.model_validate_json(os.environ[WORKER_ENVIRONMENT])

    def masked(self) -> dict[str, Any]:
        """All keys as plain values to print, passwords replaced by `***`."""
        values: dict[str, Any] = self.model_dump(mode="json")
        values["store"] = mask_url(self.store.get_secret_value())
        return values


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mask_url(text: str) -> str:
    """A database URL with its password and its query's values hidden; other text whole."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return "***" if text else ""
    rest, question, _ = rest.partition("?")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    masked = f"{user}:***" if colon else user
    return f"{scheme}://{masked}{at}{place}" + ("?***" if question else "")


def known_keys() -> dict[str, tuple[str, str]]:
    """Every key (nested ones with a dot) with its meaning and what it allows."""
    keys: dict[str, tuple[str, str]] = {}
    for prefix, model in (("", Configuration), ("limits.", RequestLimits)):
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict):
                keys[prefix + name] = (field.description or "", str(extra["allowed"]))
    return keys
