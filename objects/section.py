"""Finding components in a file of any size without reading it whole (RFC 5545 §3.4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_SECTION = 64 * 1024 * 1024

_MARK = re.compile(rb"(BEGIN|END)[ \t]*:[ \t]*([A-Za-z0-9_-]+)[ \t]*[\r\n]*", re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Section:
    """A component of the file, or with an empty `name` one property of what surrounds it.

    `outer` numbers the surrounding components from 0; `start` and `end` are byte offsets, `line`
    counts from 1. `problem` says why `data` is not a whole component.
    """

    name: str
    data: bytes
    start: int
    end: int
    line: int
    outer: int
    problem: str | None = None


def read_sections(file: BinaryIO, outer: str, kinds: frozenset[str]) -> Iterator[Section]:
    """The components directly inside each `outer` ("" for none), and those that stand alone.

    A component of `kinds` that begins inside another one shows that the other's END is missing.
    """
    reader = _Reader(outer, kinds)
    file.seek(0)
    offset = 0
    number = 1
    fresh = True
    while raw := file.readline(MAX_SECTION):
        if offset == 0 and raw.startswith(_BYTE_ORDER_MARK):
            offset, raw = len(_BYTE_ORDER_MARK), raw[len(_BYTE_ORDER_MARK) :]
        mark = _MARK.fullmatch(raw) if fresh and raw[:1] in b"BbEe" else None
        yield from reader.read(raw, mark, offset, number)
        offset += len(raw)
        fresh = raw.endswith(b"\n")
        number += fresh
    yield from reader.finish(offset, number)


@dataclass(slots=True)
class _Reader:
    """The component being read, if any, and what surrounds it."""

    outer: str
    kinds: frozenset[str]
    index: int = -1
    inside: bool = False
    alone: bool = False
    stray: bool = False
    name: str = ""
    depth: int = 0
    start: int = 0
    line: int = 0
    data: bytearray = field(default_factory=bytearray)
    too_long: bool = False
    header: bool = False

    def read(
        self, raw: bytes, mark: re.Match[bytes] | None, offset: int, number: int
    ) -> Iterator[Section]:
        """Take the physical line `raw`; `mark` is set where it is a BEGIN or END."""
        if self.header and raw[:1] in (b" ", b"\t"):
            self._append(raw)
            return
        if self.header:
            self.header = False
            yield self._section(offset, None)
        if mark is None:
            yield from self._read_other(raw, offset, number)
            return
        name = mark[2].decode("ascii").upper()
        if mark[1].upper() == b"BEGIN":
            yield from self._begin(name, raw, offset, number)
        else:
            yield from self._end(name, raw, offset, number)

    def finish(self, offset: int, number: int) -> Iterator[Section]:
        """Take the end of the file."""
        if self.header:
            yield self._section(offset, None)
        elif self.depth:
            yield self._section(offset, f"{self.name} has no END")
        if self.inside:
            reason = f"the file ends inside {self.outer}"
            yield Section("", b"", offset, offset, number, self.index, reason)

    def _read_other(self, raw: bytes, offset: int, number: int) -> Iterator[Section]:
        if self.depth:
            self._append(raw)
        elif self.inside:
            if raw.strip():
                self._open("", raw, offset, number)
                self.header = True
        elif raw.strip() and not self.stray:
            self.stray = True  # one report for a run of them
            reason = "the line stands outside any component"
            yield Section(
                "", raw[:200], offset, offset + len(raw), number, max(self.index, 0), reason
            )

    def _begin(self, name: str, raw: bytes, offset: int, number: int) -> Iterator[Section]:
        self.stray = False
        nested = self.depth and not (
            name == self.outer or (name in self.kinds and self.name in self.kinds)
        )
        if nested:
            self.depth += 1
            self._append(raw)
            return
        if self.depth:
            yield self._section(offset, f"{self.name} has no END")
        if name == self.outer:
            self.index += 1
            self.inside, self.alone, self.depth = True, False, 0
            yield Section("", raw, offset, offset + len(raw), number, self.index)
            return
        if not self.inside and not self.alone:
            self.index += 1
            self.alone = True
        self._open(name, raw, offset, number)
        self.depth = 1

    def _end(self, name: str, raw: bytes, offset: int, number: int) -> Iterator[Section]:
        if name == self.outer:
            if self.depth:
                yield self._section(offset, f"{self.name} has no END")
            self.inside, self.depth = False, 0
        elif self.depth:
            self._append(raw)
            self.depth -= 1
            if self.depth == 0:
                yield self._section(offset + len(raw), None)
        else:
            reason = f"END:{name} without BEGIN"
            end = offset + len(raw)
            yield Section("", raw, offset, end, number, max(self.index, 0), reason)

    def _open(self, name: str, raw: bytes, offset: int, number: int) -> None:
        self.name, self.start, self.line = name, offset, number
        self.data = bytearray(raw)
        self.too_long = False

    def _append(self, raw: bytes) -> None:
        if len(self.data) + len(raw) > MAX_SECTION:
            self.too_long = True
        else:
            self.data += raw

    def _section(self, end: int, problem: str | None) -> Section:
        if self.too_long:
            problem = f"{self.name or 'a property'} is longer than {MAX_SECTION} bytes"
        data = bytes(self.data[:200]) if self.too_long else bytes(self.data)
        return Section(self.name, data, self.start, end, self.line, max(self.index, 0), problem)
