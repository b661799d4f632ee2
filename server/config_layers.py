"""Reads the configuration: command line over environment over one TOML file over defaults.

Faults are told one sentence each, with the key, the value, where it is from and what is allowed.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError

from davenport.server.config import ENVIRONMENT_PREFIX, Configuration, default_data, known_keys

FILE_NAME = "davenport.toml"
_SECRET_KEYS = frozenset({"store"})


class ConfigurationError(Exception):
    """The configuration cannot be used; each of `reasons` is one sentence that names a key."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = tuple(reasons)


def load(
    command_line: Mapping[str, Any] | None = None,
    config_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Read all layers; `command_line` holds only the keys that were given there.

    Without `config_file` the file is DATA/davenport.toml, else the platform's, if there is one.
    Raises ConfigurationError with every fault found, not only the first.
    """
    given = dict(command_line or {})
    variables = dict(os.environ if environment is None else environment)
    from_environment = _read_environment(variables)
    if config_file is None:
        data = given.get("data") or from_environment.get("data") or default_data()
        config_file = _find_file(Path(data).expanduser())
    from_file = {} if config_file is None else _read_file(config_file)
    reasons = _unknown_keys(from_file, f"in {config_file}") + _unknown_variables(variables)
    if reasons:
        raise ConfigurationError(reasons)
    merged = _merge(_merge(from_file, from_environment), given)
    try:
        return Configuration.model_validate(merged)
    except ValidationError as error:
        layers = (
            ("on the command line", given),
            ("in the environment", from_environment),
            (f"in {config_file}", from_file),
        )
        faults = error.errors(include_input=False)
        reasons = [_explain(detail, merged, layers) for detail in faults]
        raise ConfigurationError(list(dict.fromkeys(reasons))) from None


def _find_file(data: Path) -> Path | None:
    places = [data / FILE_NAME, user_config_path("davenport", appauthor=False) / FILE_NAME]
    if os.name == "posix":
        places.append(Path("/etc/davenport") / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path} is not UTF-8 text."]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{path} is not valid TOML: {error}."]) from None
    for name in ("data", "htpasswd"):
        if isinstance(values.get(name), str) and values[name]:
            values[name] = str(path.absolute().parent / Path(values[name]).expanduser())
    return values


class _GivenEnvironment(EnvSettingsSource):
    """pydantic-settings' reader of variables, over a mapping instead of the process's own."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Configuration)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


def _read_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    try:
        values: dict[str, Any] = _GivenEnvironment(variables)()
    except SettingsError:
        reason = "DAVENPORT_LIMITS is not a JSON object; use DAVENPORT_LIMITS__… for each limit."
        raise ConfigurationError([reason]) from None
    return values


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[name] = _merge(below, value) if both and below is not None else value
    return result


def _unknown_keys(values: Mapping[str, Any], place: str) -> list[str]:
    known = known_keys()
    flat = [name for name in values if name != "limits"]
    limits = values.get("limits", {})
    if isinstance(limits, Mapping):
        flat += [f"limits.{name}" for name in limits]
    return [
        f"{name} ({place}) is not a key of the configuration{_suggest(name, list(known))}."
        for name in flat
        if name not in known
    ]


def _unknown_variables(variables: Mapping[str, str]) -> list[str]:
    """Variables that are a key's name misspelt.

    Other variables with our prefix are left alone: an orchestrator sets its own for a service
    of this name (DAVENPORT_SERVICE_HOST, DAVENPORT_PORT_5232_TCP).
    """
    known = [ENVIRONMENT_PREFIX + key.upper().replace(".", "__") for key in known_keys()]
    reasons = []
    for name in variables:
        upper = name.upper()
        if upper in known or not upper.startswith(ENVIRONMENT_PREFIX):
            continue
        limit = upper.startswith(f"{ENVIRONMENT_PREFIX}LIMITS_")
        if limit or get_close_matches(upper, known, n=1, cutoff=0.9):
            reasons.append(f"{name} (in the environment) is not a key{_suggest(upper, known)}.")
    return reasons


def _suggest(name: str, known: list[str]) -> str:
    prefix = name[: name.rfind("__") + 2] if "__" in name else ""
    alike = [key.removeprefix(prefix) for key in known if key.startswith(prefix)]
    close = [prefix + key for key in get_close_matches(name.removeprefix(prefix), alike, 1)]
    return f" (the nearest is {close[0]})" if close else ""


def _explain(
    detail: ErrorDetails,
    merged: Mapping[str, Any],
    layers: Sequence[tuple[str, Mapping[str, Any]]],
) -> str:
    """One sentence for one fault: the key, its value, where it is from and what is allowed."""
    path = [str(part) for part in detail["loc"]]
    key = ".".join(path[:2]) if path[0] == "limits" else path[0]
    parts = key.split(".")
    place = next((where for where, layer in layers if _look_up(layer, parts) is not None), "")
    value = _look_up(merged, parts)
    shown = "***" if parts[0] in _SECRET_KEYS else repr(value)
    allowed = known_keys().get(key, ("", "a table of keys"))[1]
    return f"{key} = {shown} ({place}) is not allowed: it takes {allowed}."


def _look_up(values: Mapping[str, Any], parts: Sequence[str]) -> object:
    found: object = values
    for part in parts:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found
