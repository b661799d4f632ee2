"""davenport merge: the result, the table, and the exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from davenport.cli.main import davenport

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN:{}\r\nTITLE:{}\r\nEND:VCARD\r\n"


@pytest.fixture
def run(tmp_path: Path):
    def run(base: str, a: str, b: str, *options: str) -> Result:
        paths = [tmp_path / f"{name}.vcf" for name in ("base", "a", "b")]
        for path, text in zip(paths, (base, a, b), strict=True):
            path.write_bytes(text.encode())
        return CliRunner().invoke(davenport, ["merge", *map(str, paths), *options])

    return run


BASE, MINE, YOURS = CARD.format("Ann", "x"), CARD.format("Anne", "x"), CARD.format("Ann", "ý")
MERGED = CARD.format("Anne", "ý")
OTHER = CARD.format("Anna", "[bold]ý")


def test_the_result_goes_to_standard_output(run):
    result = run(BASE, MINE, YOURS)
    assert result.exit_code == 0
    assert result.stdout_bytes == MERGED.encode()


def test_the_result_goes_to_a_file(run, tmp_path: Path):
    target = tmp_path / "merged.vcf"
    for _ in range(2):
        result = run(BASE, MINE, YOURS, "-o", str(target))
        assert (result.exit_code, result.output) == (0, "")
        assert target.read_bytes() == MERGED.encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.vcf", "b.vcf", "base.vcf", "merged.vcf"]  # fmt: skip


def test_conflicts_are_shown_and_nothing_is_written(run, tmp_path: Path):
    target = tmp_path / "merged.vcf"
    result = run(BASE, MINE, OTHER, "--output", str(target))
    assert result.exit_code == 3
    assert not target.exists()
    assert "1 field was changed on both sides" in result.stdout
    row = next(line for line in result.stdout.splitlines() if "Anne" in line)
    assert [text for text in ("Ann ", "Anne", "Anna") if text in row] == ["Ann ", "Anne", "Anna"]
    assert run(BASE, MINE, CARD.format("[b]", "x")).stdout.count("[b]") == 1


@pytest.mark.parametrize(
    "policy, name, taken", [("a", "Anne", "a"), ("b", "Anna", "b"), ("merge", "Ann", None)]
)
def test_json_has_the_result_and_every_conflict(run, policy: str, name: str, taken: str | None):
    result = run(BASE, MINE, OTHER, "--policy", policy, "--json")
    assert result.exit_code == (3 if taken is None else 0)
    assert json.loads(result.stdout) == {
        "merged": taken is not None,
        "body": CARD.format(name, "[bold]ý"),
        "conflicts": [
            {
                "component": "VCARD",
                "property": "FN",
                "base": "Ann",
                "a": "Anne",
                "b": "Anna",
                "taken": taken,
            }
        ],
    }


def test_an_empty_base_is_none(run):
    assert run("", MINE, MINE).exit_code == 0
    assert run("", MINE, BASE).exit_code == 3


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_that_cannot_be_read_is_named(run, place: int):
    texts = [BASE, MINE, YOURS]
    texts[place] = "<html>"
    result = run(*texts)
    assert result.exit_code == 1
    assert f"{('base', 'a', 'b')[place]}.vcf: " in result.output


def test_a_missing_file_is_wrong_usage(tmp_path: Path):
    absent = str(tmp_path / "none.ics")
    assert CliRunner().invoke(davenport, ["merge", absent, absent, absent]).exit_code == 2
