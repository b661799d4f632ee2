"""Content lines: the one grammar of iCalendar (RFC 5545 §3.1) and vCard (RFC 6350 §3.3).

Reads into lines and components that keep their offsets in the text, so that what is not
understood is never touched. Linear in the text, whatever its shape.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from davenport.objects.limits import Limits

BYTE_ORDER_MARK = "\ufeff"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BREAK = r"(?:\r\n|\n|\r)"
# Quantifiers are possessive: nothing is ever tried twice. The parameters of `_LINE` reach no
# further than the first physical line; a line folded earlier takes the slower way.
_LINE = re.compile(
    r"(?:([A-Za-z0-9_-]++)\.)?+([A-Za-z0-9_-]++)"
    r'((?:[ \t]*+;[^":;\r\n]*+(?:"[^"\r\n]*+"[^":;\r\n]*+)*+)*+)[ \t]*+:'
    rf"([^\r\n]*+)((?:{_BREAK}[ \t][^\r\n]*+)*+)(?:{_BREAK}|\Z)"
)
_LOGICAL_LINE = re.compile(rf"([^\r\n]*+(?:{_BREAK}[ \t][^\r\n]*+)*+)(?:{_BREAK}|\Z)")
_FOLD = re.compile(rf"{_BREAK}[ \t]")
_LOOSE_LINE = re.compile(
    r"[ \t]*+(?:([A-Za-z0-9_-]++)\.)?+([A-Za-z0-9_-]++)([^:\r\n]*+):(.*+)", re.DOTALL
)
_PARAMETER = re.compile(r';[ \t]*+([^=;"]*+)(=?+)((?:[^";]++|"[^"]*+"|")*+)')
_PARAMETER_VALUE = re.compile(r'((?:[^",]++|"[^"]*+"|")*+)(?:,|\Z)')
_CARET = re.compile(r"\^([n^'])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CARET_TEXT = {"n": "\n", "^": "^", "'": '"'}


class ContentLineError(Exception):
    """The text is not a sequence of balanced components; `line_number` counts from 1."""

    def __init__(self, reason: str, line_number: int) -> None:
        super().__init__(f"line {line_number}: {reason}")
        self.reason = reason
        self.line_number = line_number


@dataclass(slots=True)
class ContentLine:
    """One property: `value` is unfolded but not unescaped, `start` and `end` are the offsets of
    the raw line with its folds and its line break."""

    name: str
    group: str | None
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    value: str
    start: int
    end: int

    def parameter(self, name: str) -> str | None:
        """The first value of the parameter `name` (upper-case)."""
        for key, values in self.parameters:
            if key == name:
                return values[0] if values else ""
        return None

    def parameter_values(self, name: str) -> tuple[str, ...]:
        """All values of the parameter `name`, also where it is repeated."""
        return tuple(value for key, values in self.parameters if key == name for value in values)


@dataclass(slots=True)
class Component:
    """BEGIN to END, with the offsets of both lines."""

    name: str
    properties: list[ContentLine] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)
    start: int = 0
    end: int = 0

    def first(self, name: str) -> ContentLine | None:
        """The first property `name` (upper-case)."""
        for line in self.properties:
            if line.name == name:
                return line
        return None

    def all(self, name: str) -> list[ContentLine]:
        """The properties `name` (upper-case) in order."""
        return [line for line in self.properties if line.name == name]


def decode(body: bytes) -> str:
    """The text of an object: UTF-8 without control characters other than TAB, CR and LF.

    A byte order mark stays. Raises ContentLineError.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ContentLineError("the text is not UTF-8", line) from None
    control = _CONTROL.search(text)
    if control is not None:
        reason = f"the control character U+{ord(control.group()):04X} is not allowed"
        raise ContentLineError(reason, line_number(text, control.start()))
    return text


def line_number(text: str, offset: int) -> int:
    """The number of the physical line at `offset`, counted from 1."""
    return text.count("\n", 0, offset) + 1


def unescape_text(value: str) -> str:
    r"""A TEXT value without its escapes (RFC 5545 §3.3.11): `\n`, `\N`, `\,`, `\;`, `\\`."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def read_line(text: str, position: int) -> tuple[ContentLine | None, int]:
    """The content line at `position`, or None where it is blank, and where the next one starts.

    Raises ContentLineError where there is neither.
    """
    match = _LINE.match(text, position)
    if match is not None:
        group, name, parameters, value, folds = match.groups()
        end = match.end()
        if folds:
            value += _FOLD.sub("", folds)
        pairs = _parameters(parameters) if parameters else ()
        return ContentLine(name.upper(), group, pairs, value, position, end), end
    logical = _LOGICAL_LINE.match(text, position)
    assert logical is not None, "the pattern also matches nothing"
    end = logical.end()
    line = _FOLD.sub("", logical.group(1))
    if not line or line.isspace() or line == BYTE_ORDER_MARK:
        return None, end
    return _loose_line(text, line, position, end), end


def _loose_line(text: str, line: str, start: int, end: int) -> ContentLine:
    """A line folded before its value, indented, or with an unbalanced quote."""
    stripped = line.lstrip(" \t" + BYTE_ORDER_MARK)
    match = _LINE.match(stripped) or _LOOSE_LINE.match(stripped)
    if match is None:
        shown = line if len(line) <= 40 else line[:40] + "…"
        raise ContentLineError(
            f"{shown!r} is not a content line (name:value)", line_number(text, start)
        )
    group, name, parameters, value = match.group(1, 2, 3, 4)
    pairs = _parameters(parameters) if parameters else ()
    return ContentLine(name.upper(), group, pairs, value, start, end)


def read_components(text: str, limits: Limits) -> list[Component]:
    """The outermost components of `text`.

    Raises ContentLineError: a line that is no content line, a property outside a component,
    BEGIN and END out of balance, or more than `limits` allow.
    """
    roots: list[Component] = []
    stack: list[Component] = []
    position = 1 if text.startswith(BYTE_ORDER_MARK) else 0
    length = len(text)
    properties = components = 0
    while position < length:
        line, position = read_line(text, position)
        if line is None:
            continue
        if line.name == "BEGIN":
            components += 1
            if components > limits.max_components or len(stack) >= limits.max_depth:
                raise _over_limit(text, line, components, limits)
            component = Component(line.value.strip().upper(), start=line.start)
            (stack[-1].components if stack else roots).append(component)
            stack.append(component)
        elif line.name == "END":
            _close(text, line, stack)
        elif stack:
            properties += 1
            if properties > limits.max_properties:
                raise ContentLineError(
                    f"more than {limits.max_properties} properties", line_number(text, line.start)
                )
            stack[-1].properties.append(line)
        else:
            raise ContentLineError(
                f"{line.name} stands outside any component", line_number(text, line.start)
            )
    if stack:
        raise ContentLineError(f"BEGIN:{stack[-1].name} has no END", line_number(text, length))
    return roots


def _over_limit(text: str, line: ContentLine, count: int, limits: Limits) -> ContentLineError:
    if count > limits.max_components:
        reason = f"more than {limits.max_components} components"
    else:
        reason = f"components nested more than {limits.max_depth} deep"
    return ContentLineError(reason, line_number(text, line.start))


def _close(text: str, line: ContentLine, stack: list[Component]) -> None:
    name = line.value.strip().upper()
    if not stack or stack[-1].name != name:
        expected = f"END:{stack[-1].name}" if stack else "no END"
        raise ContentLineError(
            f"END:{name} where {expected} was expected", line_number(text, line.start)
        )
    stack.pop().end = line.end


def _parameters(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return _short_parameters(text) if len(text) < 200 else _read_parameters(text)


def _read_parameters(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The parameters in `;NAME=value,"value";…`; a bare name (vCard 2.1) has no values."""
    return tuple(
        (match[1].strip().upper(), _parameter_values(match[3]) if match[2] else ())
        for match in _PARAMETER.finditer(text)
    )


_short_parameters = lru_cache(maxsize=2048)(_read_parameters)


def _parameter_values(text: str) -> tuple[str, ...]:
    """Split at the commas outside quotes, drop the quotes, decode RFC 6868 carets."""
    if '"' not in text and "^" not in text:
        return tuple(text.split(","))
    values = []
    position = 0
    while True:
        match = _PARAMETER_VALUE.match(text, position)
        assert match is not None, "the pattern also matches nothing"
        value = match[1].strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        values.append(_CARET.sub(lambda caret: _CARET_TEXT[caret[1]], value))
        if match.end() == len(text) and not match[0].endswith(","):
            return tuple(values)
        position = match.end()
