"""The log: one safe line per event, in text and JSON, and the address behind trusted proxies."""

import io
import json
import logging.config
from ipaddress import ip_network

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from davenport.server.config import Configuration
from davenport.server.log import (
    Access,
    client_address,
    configure_log,
    log_access,
    standard_logging,
)


@pytest.fixture(autouse=True)
def _undo_configuration():
    yield
    structlog.reset_defaults()


def lines_of(log_format: str, agent: str = "curl/8", path: str = "/dav/", level: str = "info"):
    stream = io.StringIO()
    configuration = Configuration(log_format=log_format, log_level=level)
    configure_log(configuration, stream)
    access = Access("GET", path, 200, 17, 0.00123, None, "::1", agent, "r1")
    log_access(structlog.get_logger(), access)
    return stream.getvalue()


def test_a_text_line_has_every_field():
    line = lines_of("text")
    assert line.endswith("Z info request method=GET path=/dav/ status=200 bytes=17 ms=1.23 "
                         "user=- address=::1 agent=curl/8 id=r1\n")  # fmt: skip


def test_a_json_line_has_every_field():
    line = json.loads(lines_of("json"))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "event": "request", "method": "GET", "path": "/dav/", "status": 200,
        "bytes": 17, "ms": 1.23, "user": "-", "address": "::1", "agent": "curl/8", "id": "r1",
    }  # fmt: skip


@pytest.mark.parametrize("log_format", ["text", "json"])
@given(agent=st.text(max_size=40), path=st.text(max_size=40))
def test_whatever_a_client_sends_is_one_line(log_format, agent, path):
    line = lines_of(log_format, agent, path)
    assert line.splitlines() == [line[:-1]]
    assert "\x1b" not in line


def test_a_long_value_is_cut():
    assert len(lines_of("text", agent="x" * 10_000)) < 1_000
    assert len(lines_of("json", agent="x" * 10_000)) < 1_000


def test_the_level_filters():
    assert lines_of("text", level="warning") == ""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_exception_is_written_with_its_traceback(log_format):
    stream = io.StringIO()
    configure_log(Configuration(log_format=log_format), stream)
    try:
        int("boom")
    except ValueError:
        structlog.get_logger().exception("request failed", path="/dav/")
    text = stream.getvalue()
    assert "request failed" in text
    assert "boom" in text
    assert "test_log.py" in text


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_libraries_log_in_the_same_form(log_format, capsys):
    configuration = Configuration(log_format=log_format)
    settings = {"version": 1, "disable_existing_loggers": False} | standard_logging(configuration)
    settings.pop("root")
    logging.config.dictConfig(settings)
    logging.getLogger("_granian").error("Unexpected exit from worker-%d", 1)
    line = capsys.readouterr().err
    if log_format == "json":
        assert json.loads(line)["event"] == "Unexpected exit from worker-1"
    else:
        assert line.endswith("Z error Unexpected exit from worker-1\n")


PROXIES = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"), ip_network("::1"))


@pytest.mark.parametrize(
    "peer, forwarded, expected",
    [
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "192.0.2.9, 198.51.100.1, 10.1.1.1", "198.51.100.1"),
        ("127.0.0.1", "10.1.1.2, 10.1.1.1", "10.1.1.2"),
        ("127.0.0.1", "junk\n, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", "junk", "127.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_a_trusted_proxy_names_the_client(peer, forwarded, expected):
    assert client_address(peer, forwarded, PROXIES) == expected


def test_without_trusted_proxies_the_header_is_ignored():
    assert client_address("127.0.0.1", "198.51.100.1", ()) == "127.0.0.1"
