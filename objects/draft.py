"""Editing the text of an object line by line: everything else stays byte for byte."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from davenport.objects.contentline import Component, ContentLine, read_line
from davenport.objects.join import fold_line

_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_BREAK = re.compile(r"\r\n|\n|\r")
_HEAD_PARAMETER = re.compile(r';[ \t]*+([^=;"]*+)(?:=?+)(?:[^";]++|"[^"]*+"|")*+')
_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


@dataclass(slots=True)
class Draft:
    """A text and the changes made to it, by offsets of the original."""

    text: str
    removed: set[int] = field(default_factory=set)
    _cuts: list[tuple[int, int]] = field(default_factory=list)
    _inserts: dict[int, list[str]] = field(default_factory=dict)

    def remove(self, part: ContentLine | Component) -> None:
        """Take out a line or a component."""
        if part.start not in self.removed:
            self.removed.add(part.start)
            self._cuts.append((part.start, part.end))

    def replace(self, line: ContentLine, text: str) -> None:
        """Put `text`, which is whole lines, in the place of a line; it does not count as gone."""
        self._cuts.append((line.start, line.end))
        self.insert(line.start, text)

    def insert(self, offset: int, text: str) -> None:
        """Put `text`, which is whole lines, before the line at `offset`."""
        self._inserts.setdefault(offset, []).append(text)

    @property
    def line_break(self) -> str:
        """The line break that the text begins with."""
        match = _BREAK.search(self.text)
        return match[0] if match is not None else "\r\n"

    def result(self) -> str:
        """The text with all changes."""
        cuts = dict(self._cuts)
        marks = sorted({*cuts, *self._inserts})
        pieces = []
        position = 0
        for mark in marks:
            if mark < position:
                continue  # inside a component that is taken out
            pieces.append(self.text[position:mark])
            pieces += self._inserts.get(mark, ())
            position = cuts.get(mark, mark)
        pieces.append(self.text[position:])
        return "".join(pieces)


def raw(text: str, part: ContentLine | Component) -> str:
    """A line or component as it stands in `text`, with its folds, ending in a line break."""
    found = text[part.start : part.end].lstrip("\ufeff")
    return found if found.endswith(("\n", "\r")) else found + "\r\n"


def property_end(text: str, component: Component) -> int:
    """Where another property of `component` can be put: before its first inner component."""
    first = min((part.start for part in component.components), default=component.end)
    ends = [line.end for line in component.properties if line.end <= first]
    return max(ends) if ends else read_line(text, component.start)[1]


def component_end(text: str, component: Component) -> int:
    """Where another component can be put inside `component`: after all that it holds."""
    ends = [part.end for part in component.components]
    return (
        max([*ends, *(line.end for line in component.properties)], default=0)
        or (read_line(text, component.start)[1])
    )


def head(text: str, line: ContentLine) -> str:
    """The line up to its value: group, name, parameters and colon, unfolded."""
    unfolded = _FOLD.sub("", text[line.start : line.end]).rstrip("\r\n").lstrip(" \t\ufeff\r\n")
    return unfolded[: len(unfolded) - len(line.value)]


def write_line(beginning: str, value: str, line_break: str) -> str:
    """A folded line of a head and a value that is escaped already."""
    return fold_line(beginning + value).replace("\r\n", line_break) + line_break


def escape_text(value: str) -> str:
    """A TEXT value with its escapes (RFC 5545 §3.3.11)."""
    return value.replace("\r\n", "\n").replace("\r", "\n").translate(_TEXT_ESCAPES)


def regrouped(text: str, line: ContentLine, group: str | None, line_break: str) -> str:
    """A line as it stands, in another group."""
    as_it_is = raw(text, line)
    if group is None or line.group == group:
        return as_it_is
    prefix = f"{line.group}." if line.group is not None else ""
    if as_it_is.startswith(prefix) and not as_it_is[:1].isspace():
        return f"{group}.{as_it_is[len(prefix) :]}"
    return write_line(f"{group}.{head(text, line)[len(prefix) :]}", line.value, line_break)


def head_parameters(beginning: str) -> tuple[str, list[tuple[str, str]]]:
    """A head as its name with the group, and its parameters: their names and `;NAME=value`."""
    name, semicolon, rest = beginning.rstrip(": \t").partition(";")
    found = _HEAD_PARAMETER.finditer(semicolon + rest)
    return name.strip(), [(match[1].strip().upper(), match[0]) for match in found]


def make_head(name: str, parameters: Iterable[str]) -> str:
    """The head of a name and parameters as `head_parameters` gives them."""
    return name + "".join(parameters) + ":"
