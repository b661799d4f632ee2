"""Writes the table of keys in docs/configuration.md from the code: `python -m tests.reference`."""

from pathlib import Path

from pydantic import ByteSize, SecretStr

from davenport.server.config import ENVIRONMENT_PREFIX, Configuration, RequestLimits, known_keys

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
BEGIN = "<!-- the keys: written by `make reference` -->\n"
END = "<!-- end of the keys -->\n"


def variable(key: str) -> str:
    """The environment variable of a key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _default(key: str) -> str:
    """A default as it would stand in the file."""
    table, _, name = key.rpartition(".")
    if key == "data":
        return "the platform's"
    value: object = (RequestLimits if table else Configuration).model_fields[name].default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, ByteSize):
        return f"`{_size(value)}`"
    if isinstance(value, tuple):
        return "`[]`" if not value else f"`{list(value)}`"
    if value is None or isinstance(value, str):
        return f'`"{value or ""}"`'
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _size(value: int) -> str:
    for unit, size in (("MiB", 1024**2), ("KiB", 1024)):
        if value >= size and value % size == 0:
            return f'"{value // size} {unit}"'
    return str(value)


def _rows(keys: list[str]) -> str:
    rows = "| key | default | what it is | what it takes |\n| --- | --- | --- | --- |\n"
    known = known_keys()
    for key in keys:
        meaning, allowed = known[key]
        rows += f"| `{key.rpartition('.')[2]}` | {_default(key)} | {meaning} | {allowed} |\n"
    return rows


def tables() -> str:
    """What stands between the two marks."""
    keys = list(known_keys())
    top = [key for key in keys if "." not in key]
    limits = [key for key in keys if key.startswith("limits.")]
    assert sorted(top + limits) == sorted(keys)
    return f"\n{_rows(top)}\n## `[limits]`\n\n{_rows(limits)}\n"


def current(page: str) -> str:
    """What the page has between the two marks."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write the page anew."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{tables()}{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
