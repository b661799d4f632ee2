"""The configuration: layers, validation, errors that help, and the way to worker processes."""

import re
from pathlib import Path

import pytest

from davenport.server.config import Configuration, known_keys, mask_url, split_address
from davenport.server.config_layers import ConfigurationError, load

SAMPLE = Path(__file__).parents[2] / "conf" / "davenport.toml"


def write(folder: Path, text: str, name: str = "davenport.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load_here(folder: Path, environment: dict[str, str] | None = None, **given: object):
    return load({"data": folder, **given}, None, environment or {})


def test_nothing_given_is_a_whole_configuration(tmp_path):
    configuration = load_here(tmp_path)
    assert (configuration.host, configuration.port) == ("127.0.0.1", 5232)
    assert configuration.store_location == str(tmp_path / "davenport.sqlite3")
    assert configuration.worker_count >= 1
    assert configuration.hash_concurrency >= 1


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    write(
        tmp_path, 'listen = "a:1"\nworkers = 1\nrealm = "file"\nlimits.uri = 10\nlimits.segment = 9'
    )
    environment = {
        "DAVENPORT_LISTEN": "b:2",
        "DAVENPORT_WORKERS": "2",
        "DAVENPORT_LIMITS__URI": "11",
    }
    configuration = load_here(tmp_path, environment, listen="c:3")
    assert configuration.listen == "c:3"
    assert configuration.workers == 2
    assert configuration.realm == "file"
    assert (configuration.limits.uri, configuration.limits.segment) == (11, 9)


def test_a_named_file_replaces_the_one_in_the_data_folder(tmp_path):
    write(tmp_path, "workers = 1")
    other = write(tmp_path / "etc", 'realm = "other"\nhtpasswd = "users"', "mine.toml")
    configuration = load({"data": tmp_path}, other, {})
    assert (configuration.workers, configuration.realm) == (0, "other")
    assert configuration.htpasswd == tmp_path / "etc" / "users", "relative to the file"


def test_the_data_folder_may_come_from_the_environment(tmp_path):
    write(tmp_path, "workers = 3")
    assert load({}, None, {"DAVENPORT_DATA": str(tmp_path)}).workers == 3


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("limits.xml_body", "2 MiB", 2 * 1024 * 1024),
        ("limits.xml_body", "1", 1),
        ("trusted_proxies", "10.0.0.1, ::1/128", "10.0.0.1/32 ::1/128"),
        ("trusted_proxies", "", ""),
        ("path_prefix", "/cal/", "/cal"),
        ("path_prefix", "/", ""),
        ("public_url", "https://dav.example.org/", "https://dav.example.org"),
        ("listen", "[::1]:80", "[::1]:80"),
        ("htpasswd", "", None),
        ("log_format", "json", "json"),
    ],
)
def test_values_from_the_environment_are_read(tmp_path, name, value, expected):
    variable = "DAVENPORT_" + name.upper().replace(".", "__")
    found: object = load_here(tmp_path, {variable: value})
    for part in name.split("."):
        found = getattr(found, part)
    if isinstance(found, tuple):
        found = " ".join(map(str, found))
    assert found == expected


@pytest.mark.parametrize(
    "name, value",
    [
        ("listen", "5232"),
        ("listen", "host:"),
        ("listen", "host:0"),
        ("listen", "host:65536"),
        ("listen", "::1:80"),
        ("listen", "[host]:80"),
        ("listen", "host:٣"),
        ("workers", "-1"),
        ("workers", "many"),
        ("path_prefix", "cal"),
        ("path_prefix", "/a//b"),
        ("path_prefix", "/../x"),
        ("path_prefix", "/a%2Fb"),
        ("public_url", "dav.example.org"),
        ("public_url", "https://user:secret@dav.example.org"),
        ("realm", 'say "hi"'),
        ("realm", ""),
        ("realm", "zwei\nZeilen"),
        ("log_level", "loud"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example.org"),
        ("shutdown_timeout", "0"),
        ("limits.xml_body", "0"),
        ("limits.xml_body", "big"),
        ("limits.xml_depth", "0"),
        ("limits.header_timeout", "0"),
    ],
)
def test_a_value_out_of_range_is_refused_with_key_value_and_what_is_allowed(tmp_path, name, value):
    variable = "DAVENPORT_" + name.upper().replace(".", "__")
    with pytest.raises(ConfigurationError) as caught:
        load_here(tmp_path, {variable: value})
    (reason,) = caught.value.reasons
    assert reason == f"{name} = {value!r} (in the environment) is not allowed: it takes " + (
        known_keys()[name][1] + "."
    )


def test_every_fault_is_told_at_once(tmp_path):
    path = write(tmp_path, 'workers = -1\nlog_level = "loud"')
    with pytest.raises(ConfigurationError) as caught:
        load_here(tmp_path, {"DAVENPORT_REALM": ""})
    assert len(caught.value.reasons) == 3
    assert f"workers = -1 (in {path})" in str(caught.value)


def test_a_secret_is_not_shown_when_it_is_wrong(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load_here(tmp_path, {"DAVENPORT_STORE": "mysql://me:hunter2@host/d"})
    assert "store = ***" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text, names",
    [
        ("lissten = 'a:1'", ["lissten", "listen"]),
        ("[limits]\nxml_dept = 3", ["limits.xml_dept", "limits.xml_depth"]),
        ("[server]\nport = 3", ["server"]),
    ],
)
def test_an_unknown_key_in_the_file_is_an_error_with_a_suggestion(tmp_path, text, names):
    write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_here(tmp_path)
    assert all(name in str(caught.value) for name in names)


@pytest.mark.parametrize(
    "name, near",
    [
        ("DAVENPORT_LISTN", "DAVENPORT_LISTEN"),
        ("DAVENPORT_LIMITS__XML_BODYS", "DAVENPORT_LIMITS__XML_BODY"),
        ("DAVENPORT_LIMITS_XML_BODY", "DAVENPORT_LIMITS__XML_BODY"),
    ],
)
def test_a_misspelt_variable_is_an_error_with_a_suggestion(tmp_path, name, near):
    with pytest.raises(ConfigurationError, match=f"{name} .*{near}\\)"):
        load_here(tmp_path, {name: "1"})


def test_variables_of_an_orchestrator_are_left_alone(tmp_path):
    foreign = {"DAVENPORT_SERVICE_HOST": "10.0.0.1", "DAVENPORT_PORT": "tcp://10.0.0.1:5232"}
    assert load_here(tmp_path, foreign) == load_here(tmp_path)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"workers = ", "not valid TOML"),
        (b"realm = '\xff'", "not UTF-8"),
        (b"limits = 3", "limits = 3"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(tmp_path, content, reason):
    (tmp_path / "davenport.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason):
        load_here(tmp_path)


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read"):
        load({"data": tmp_path}, tmp_path / "none.toml", {})


def test_limits_that_are_not_json_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="DAVENPORT_LIMITS is not a JSON object"):
        load_here(tmp_path, {"DAVENPORT_LIMITS": "x"})


def test_it_is_frozen(tmp_path):
    configuration = load_here(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        configuration.listen = "a:1"


def test_it_travels_to_a_worker_process_whole(tmp_path, monkeypatch):
    configuration = load_here(
        tmp_path,
        {"DAVENPORT_STORE": "postgresql://me:hunter2@host/d", "DAVENPORT_WORKERS": "7"},
        htpasswd=tmp_path / "users",
        trusted_proxies=["::1"],
    )
    for name, value in configuration.to_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAVENPORT_WORKERS", "3")
    assert Configuration.from_environment() == configuration


def test_nothing_printed_holds_the_password(tmp_path):
    url = "postgresql://me:hunter2@host/d?password=hunter2"
    configuration = load_here(tmp_path, {"DAVENPORT_STORE": url})
    assert configuration.masked()["store"] == "postgresql://me:***@host/d?***"
    assert "hunter2" not in f"{configuration!r}{configuration}{configuration.masked()}"


@pytest.mark.parametrize(
    "url, masked",
    [
        ("", ""),
        ("postgresql://host/d", "postgresql://host/d"),
        ("postgresql://me@host/d", "postgresql://me@host/d"),
        ("postgresql://me:p@ss@host/d", "postgresql://me:***@host/d"),
        ("host=h password=p", "***"),
    ],
)
def test_a_url_is_masked(url, masked):
    assert mask_url(url) == masked


def test_an_ipv6_address_loses_its_brackets():
    assert split_address("[::1]:5232") == ("::1", 5232)


def test_the_limits_of_objects_come_from_the_configuration(tmp_path):
    write(tmp_path, "limits.attendees = 3\nlimits.rule_steps = 4\nlimits.uid_length = 5")
    configured = load_here(tmp_path).limits
    limits = configured.objects
    assert (limits.max_attendees, limits.rule_steps, limits.max_uid_length) == (3, 4, 5)
    assert configured == configured.model_copy(), "what is derived is no part of the value"


def test_the_sample_names_every_key_with_its_default(tmp_path):
    text = re.sub(
        r"^# (?=\w+ = |\[limits\])", "", SAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    configuration = load({"data": tmp_path}, write(tmp_path, text, "sample.toml"), {})
    assert configuration == Configuration(data=tmp_path)
    named = set(re.findall(r"^(\w+) = ", text, flags=re.MULTILINE))
    assert named == {key.rpartition(".")[2] for key in known_keys()}
