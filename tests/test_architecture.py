"""Guards of the house: packaging, import rules, sizes and names, held against the tree itself."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]

# `davenport.server` is the folder server/: the mapping is pyproject's package-dir.
ROOTS: dict[str, Path] = {
    package: ROOT / folder for package, folder in SETUPTOOLS["package-dir"].items()
}

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

# The only packages from outside the standard library that each folder may import.
OUTSIDE = {
    "davenport.dav": {"lxml"},
    "davenport.objects": set(),
    "davenport.storage": {"psycopg", "psycopg_pool"},
    "davenport.server": {
        "argon2",
        "bcrypt",
        "jinja2",
        "platformdirs",
        "pydantic",
        "pydantic_core",
        "pydantic_settings",
        "starlette",
        "structlog",
    },
    "davenport.sync": {"dns", "httpx2"},
    "davenport.cli": {"click", "granian", "rich"},
}
DISTRIBUTIONS = {
    "argon2": "argon2-cffi",
    "dns": "dnspython",
    "psycopg_pool": "psycopg",
    "pydantic_core": "pydantic",
}
# Needed without being imported: zoneinfo reads its files where the system has none.
USED_AS_DATA = {"tzdata"}


def package_folders() -> dict[str, Path]:
    """Every package in the tree by its import name."""
    found = {}
    for package, root in ROOTS.items():
        for init in root.rglob("__init__.py"):
            below = init.parent.relative_to(root).parts
            found[".".join((package, *below))] = init.parent
    return found


def modules() -> list[Path]:
    """Every module of the package, tests and bench left out."""
    return sorted(path for root in ROOTS.values() for path in root.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=named(path))


def imported_roots(tree: ast.Module) -> set[str]:
    """The first segments of all absolute imports, those inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


each_module = pytest.mark.parametrize("module", modules(), ids=named)
each_root = pytest.mark.parametrize("package", ROOTS)


def test_pyproject_names_every_package_of_the_tree_and_no_other() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(package_folders())


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without __init__.py would be left out of the wheel without a word."""
    assert {path.parent for path in modules()} == set(package_folders().values())


def test_every_data_file_of_a_package_is_in_the_wheel() -> None:
    data = SETUPTOOLS["package-data"]
    declared = {
        file
        for package, folder in package_folders().items()
        for pattern in (*data["*"], *data.get(package, ()))
        for file in folder.glob(pattern)
    }
    present = {
        file
        for root in ROOTS.values()
        for file in root.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    assert sorted(map(named, present)) == sorted(map(named, declared))


def test_every_package_data_pattern_matches_a_file() -> None:
    folders = package_folders()
    empty = [
        f"{package}: {pattern}"
        for package, patterns in SETUPTOOLS["package-data"].items()
        if package != "*"
        for pattern in patterns
        if not any(folders[package].glob(pattern))
    ]
    assert empty == []


@each_root
def test_a_folder_is_typed_and_linked_for_type_checkers(package: str) -> None:
    folder = ROOTS[package]
    assert (folder / "py.typed").is_file()
    link = ROOT / "typings" / package.replace(".", "/")
    assert link.is_symlink()
    assert link.resolve() == folder


def test_the_contracts_cover_every_folder() -> None:
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == sorted(ROOTS)
    assert sorted(OUTSIDE) == sorted(ROOTS)


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter (of the extra dev) is not installed")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_root
def test_a_folder_imports_only_the_outside_packages_it_is_given(package: str) -> None:
    found = {
        name
        for path in sorted(ROOTS[package].rglob("*.py"))
        for name in imported_roots(parsed(path))
        if name not in sys.stdlib_module_names and name != "davenport"
    }
    assert found <= OUTSIDE[package]


def test_the_dependencies_are_those_that_are_imported() -> None:
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    declared = {re.split(r"[^a-zA-Z0-9-]", text)[0] for text in wanted} - USED_AS_DATA
    found = {name for path in modules() for name in imported_roots(parsed(path))}
    outside = found - sys.stdlib_module_names - {"davenport"}
    assert declared == {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in outside}


def test_only_the_asgi_shell_is_asynchronous() -> None:
    asynchronous = [
        named(path)
        for path in modules()
        if any(
            isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
            for node in ast.walk(parsed(path))
        )
    ]
    assert asynchronous == ["server/app.py"]


@each_module
def test_a_module_says_what_it_is_for_and_stays_small(module: Path) -> None:
    text = module.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= MOST_MODULE_LINES
    assert module.stem not in VAGUE_NAMES


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@each_module
def test_functions_stay_short(module: Path) -> None:
    long = {
        node.name: lines
        for node in functions(parsed(module))
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert long == {}


@each_module
def test_imports_are_absolute_and_by_the_installed_name(module: Path) -> None:
    """From the checkout's root `import server` would find the folder, and load it twice."""
    tree = parsed(module)
    relative = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
    folders = {root.name for root in ROOTS.values()}
    assert relative == []
    assert imported_roots(tree) & folders == set()


def project_texts() -> Iterator[tuple[Path, str]]:
    """The text files of the project, without what tools and environments leave in its folder."""
    left_out = {"build", "dist", "results", "__pycache__", "typings"}
    pending = [ROOT]
    while pending:
        for path in pending.pop().iterdir():
            hidden = path.name.startswith(".") and path.name not in {".ci", ".gitignore"}
            if hidden or path.name in left_out or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                if not (path / "pyvenv.cfg").exists():
                    pending.append(path)
                continue
            try:
                yield path, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


# A developer's folders, and hosts of package registries that only some machine has.
FOREIGN = re.compile(
    r"(?<![\w.}])/(?:home|mnt|root|work|farm|Users)/[a-z]"
    r"|index-url|pypi\.|pythonhosted|/simple/",
    re.ASCII,
)


def test_nothing_in_the_project_depends_on_one_machine() -> None:
    found = [
        f"{named(path)}: {match[0]}"
        for path, text in project_texts()
        if path != Path(__file__)
        for match in FOREIGN.finditer(text)
    ]
    assert found == []
