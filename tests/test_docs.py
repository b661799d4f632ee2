"""The documentation is held against the code: keys, commands, names in the code, links."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from davenport.cli.main import davenport
from davenport.server.config import known_keys
from tests import reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted((*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
PACKAGES = ("dav", "objects", "storage", "server", "cli", "sync")

RUN = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/davenport serve"
TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


def guide() -> str:
    """All pages for people who run davenport, as one text."""
    pages = (ROOT / "README.md", *DOCS.glob("*.md"))
    return "\n".join(page.read_text("utf-8") for page in pages)


@pytest.mark.parametrize("command", [RUN, TEST], ids=["run", "test"])
def test_readme_has_the_command_on_a_line_of_its_own(command: str) -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    assert command in lines


def test_ci_runs_the_command_of_the_readme() -> None:
    assert TEST in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_the_reference_has_every_key_as_the_code_has_it() -> None:
    page = reference.PAGE.read_text("utf-8")
    assert reference.current(page) == reference.tables(), "run `make reference`"


def test_the_sample_configuration_has_every_key_and_no_other() -> None:
    """Uncommented, the sample is a file with all keys."""
    text = (ROOT / "conf" / "davenport.toml").read_text("utf-8")
    settings = re.findall(r"^# ?(\[limits\]|[a-z_]+ = .*)$", text, re.MULTILINE)
    values = tomllib.loads("\n".join(settings))
    limits = values.pop("limits")
    assert {*values, *(f"limits.{name}" for name in limits)} == set(known_keys())


def commands(
    command: click.Command = davenport, path: tuple[str, ...] = ("davenport",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, groups included."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_the_guide_has_every_command_with_all_its_options(words: str) -> None:
    text = guide()
    assert re.search(rf"\b{re.escape(words)}\b", text)
    options = [
        max(parameter.opts, key=len)
        for parameter in COMMANDS[words].params
        if isinstance(parameter, click.Option)
    ]
    missing = [name for name in options if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)]
    assert missing == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@each_page
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    broken = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


@each_page
def test_every_page_is_reached_from_the_index(page: Path) -> None:
    """docs/README.md links to every page, and to the folder of the decisions."""
    if page.parent == DOCS / "decisions":
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
        return
    index = DOCS / "README.md"
    if page in {index, ROOT / "README.md"}:
        return
    links = re.findall(r"\]\(([^)#\s]+)", index.read_text("utf-8"))
    assert page in {(DOCS / link).resolve() for link in links}


def test_decisions_are_numbered_without_gap_or_double() -> None:
    numbers = [int(page.name[:4]) for page in sorted((DOCS / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def _exists(dotted: str) -> bool:
    """Whether `server.tree.resolve` or `storage.model.Collection` is in the code."""
    parts = f"davenport.{dotted}".split(".")
    for length in range(len(parts), 1, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


@each_page
def test_modules_and_functions_that_are_named_exist(page: Path) -> None:
    quoted = re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))
    names = [q for q in quoted if re.fullmatch(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+", q)]
    paths = [
        q
        for q in quoted
        if re.fullmatch(rf"(?:{'|'.join(PACKAGES)}|tests|conf|bench|docs|typings)/[\w/.-]*", q)
    ]
    missing = [name for name in names if not name.endswith(".py") and not _exists(name)]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []
