"""The log: one line per event to standard error, as text (`key=value`) or JSON.

Nothing that a client sends can start a new line or steer a terminal; credentials, queries and
bodies are never handed to it.
"""

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from davenport.server.config import Configuration

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_MAX_TEXT = 512
# C0 and C1 controls, line separators, and what reorders text on a terminal (Unicode Bidi).
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NEEDS_QUOTES = re.compile(r'[\s"=\\]|^$|[^\x21-\x7e]')


@dataclass(frozen=True, slots=True)
class Access:
    """One answered request. `path` is without its query, `seconds` is from header to last byte.

    `reason` says in plain words why a request was refused.
    """

    method: str
    path: str
    status: int
    size: int
    seconds: float
    user: str | None
    address: str
    agent: str
    request_id: str
    reason: str | None = None


def configure_log(configuration: Configuration, stream: TextIO | None = None) -> None:
    """Set structlog up for this process; one write per line keeps lines whole."""
    render = _render_json if configuration.log_format == "json" else _render_text
    structlog.configure(
        processors=[structlog.processors.format_exc_info, _stamp, render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[configuration.log_level]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )


def log_access(log: FilteringBoundLogger, access: Access) -> None:
    """Write the access line."""
    log.info(
        "request",
        method=access.method,
        path=access.path,
        status=access.status,
        bytes=access.size,
        ms=round(access.seconds * 1000, 2),
        user=access.user or "-",
        address=access.address,
        agent=access.agent,
        id=access.request_id,
        **({"reason": access.reason} if access.reason else {}),
    )


def standard_logging(configuration: Configuration) -> dict[str, Any]:
    """A `logging.config.dictConfig` that gives libraries' log lines the same form."""
    formatter = f"{__name__}.standard_formatter"
    return {
        "formatters": {"davenport": {"()": formatter, "log_format": configuration.log_format}},
        "handlers": {
            "davenport": {
                "class": "logging.StreamHandler",
                "formatter": "davenport",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {
            "_granian": {"handlers": ["davenport"], "propagate": False},
            "granian.access": {"handlers": [], "propagate": False},
        },
        "root": {"handlers": ["davenport"], "level": "WARNING"},
    }


def standard_formatter(log_format: str) -> structlog.stdlib.ProcessorFormatter:
    """The formatter that `standard_logging` names."""
    render = _render_json if log_format == "json" else _render_text
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _stamp,
            render,
        ]
    )


def client_address(
    peer: str, forwarded_for: str | None, trusted: Sequence[IPv4Network | IPv6Network]
) -> str:
    """The address a request came from, for the log.

    `forwarded_for` (X-Forwarded-For) is read from the right, one step for each trusted proxy.
    """
    if not forwarded_for or not trusted or not is_trusted(peer, trusted):
        return peer
    address = peer
    for text in reversed(forwarded_for.split(",")):
        if _read_address(text.strip()) is None:
            return address
        address = text.strip()
        if not is_trusted(address, trusted):
            return address
    return address


def is_trusted(address: str, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address is one of the configured proxies."""
    read = _read_address(address)
    return read is not None and any(read in network for network in trusted)


@lru_cache(maxsize=1024)
def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _stamp(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    now = time.time()
    seconds = int(now)
    milliseconds = int((now - seconds) * 1000)
    event.setdefault("level", method)
    event["time"] = f"{_format_second(seconds)}.{milliseconds:03d}Z"
    return event


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _render_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    head = f"{event.pop('time')} {event.pop('level')} {_plain(event.pop('event'))}"
    exception = event.pop("exception", None)
    parts = [head, *(f"{key}={_quote(value)}" for key, value in event.items())]
    line = " ".join(parts)
    if exception is None:
        return line
    # Indented and escaped: a message that repeats a client's text cannot pass for another line.
    rows = str(exception).splitlines()
    return "\n".join([line, *(f"    {_plain(row)}" for row in rows)])


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {key: event.pop(key) for key in ("time", "level", "event")}
    ordered.update((key, _shorten(value)) for key, value in event.items())
    return json.dumps(ordered, default=str)


def _shorten(value: object) -> object:
    if isinstance(value, str) and len(value) > _MAX_TEXT and "\n" not in value:
        return value[:_MAX_TEXT] + "…"
    return value


def _plain(value: object) -> str:
    return _UNSAFE.sub(_escape, str(value))


def _quote(value: object) -> str:
    text = str(value)
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    if not _NEEDS_QUOTES.search(text):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_UNSAFE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
