"""Resolving TZID to offsets from UTC: the IANA database first, then the object's own VTIMEZONE.

A local time that occurs twice is its first occurrence, one that a change of the clock skips is
taken by the offset before the change (RFC 5545 §3.3.5).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from davenport.objects.contentline import Component, ContentLineError, decode, read_components
from davenport.objects.limits import Limits
from davenport.objects.recurrence import Budget, expand
from davenport.objects.rule import Rule, read_rule
from davenport.objects.value import (
    DAY,
    Period,
    Time,
    ValueFormatError,
    line_time,
    line_times,
    read_offset,
)
from davenport.objects.windows_zone import WINDOWS_ZONES

_OFFSET_NAME = re.compile(r"(?:UTC|GMT)([+-][01][0-9]):?([0-5][0-9])", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- a clock without a zone, on purpose
_FIRST = -62_135_596_800 + 2 * DAY  # the years 1 to 9999, less what an offset may add
_LAST = 253_402_300_799 - 2 * DAY


class Zone(Protocol):
    """A clock: turns its local seconds into UTC seconds."""

    def to_utc(self, local: int) -> int:
        """UTC seconds of `local`. Raises ExpansionIncompleteError."""
        ...


@dataclass(frozen=True, slots=True)
class _FixedZone:
    offset: int

    def to_utc(self, local: int) -> int:
        return local - self.offset


@dataclass(frozen=True, slots=True)
class _DatabaseZone:
    zone: ZoneInfo

    def to_utc(self, local: int) -> int:
        clamped = min(max(local, _FIRST), _LAST)
        # fold=0 is the first of two, and before a gap
        offset = self.zone.utcoffset(
            (_EPOCH + timedelta(seconds=clamped)).replace(tzinfo=self.zone)
        )
        return local - (round(offset.total_seconds()) if offset is not None else 0)


@dataclass(frozen=True, slots=True)
class _Observance:
    """STANDARD or DAYLIGHT: from when on which offset; times are on the clock before the change.

    `onsets` are DTSTART and RDATE, sorted.
    """

    start: int
    before: int
    after: int
    rules: tuple[Rule, ...]
    onsets: tuple[int, ...]

    def last_onset(self, until: int, budget: Budget) -> int | None:
        """The last change not after `until`."""
        budget.spend()
        position = bisect_right(self.onsets, until)
        found = [self.onsets[position - 1]] if position else []
        for rule in self.rules:
            limit = _limit(rule, self.before)
            end = until if limit is None else min(until, limit)
            # A change comes every year; where it came in the year before, that is enough.
            for lower in (end - 400 * DAY, self.start):
                recent = _last(expand(rule, self.start, limit, lower, budget), end)
                if recent is not None:
                    found.append(recent)
                    break
        return max(found, default=None)


def _last(onsets: Iterator[int], end: int) -> int | None:
    """The last of sorted `onsets` that is not after `end`."""
    found: int | None = None
    for onset in onsets:
        if onset > end:
            break
        found = onset
    return found


@dataclass(frozen=True, slots=True)
class _ObservedZone:
    """A VTIMEZONE. `known` holds the offsets already worked out, by day."""

    observances: tuple[_Observance, ...]
    budget: Budget
    known: dict[int, int] = field(default_factory=dict)

    def to_utc(self, local: int) -> int:
        day = min(max(local, _FIRST), _LAST) // DAY
        if day not in self.known:
            begin, end = self._offset(day * DAY), self._offset(day * DAY + DAY - 1)
            if begin != end:
                return local - self._offset(local)
            self.known[day] = begin
        return local - self.known[day]

    def _offset(self, local: int) -> int:
        latest: tuple[int, _Observance] | None = None
        for observance in self.observances:
            onset = observance.last_onset(local, self.budget)
            if onset is not None and (latest is None or onset > latest[0]):
                latest = onset, observance
        if latest is None:
            return min(self.observances, key=lambda observance: observance.start).before
        onset, observance = latest
        skipped = observance.after - observance.before
        return observance.before if local < onset + skipped else observance.after


UTC: Zone = _FixedZone(0)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of one object; `floating` is the one of times that name none."""

    calendar: Component
    floating: Zone
    budget: Budget
    zones: dict[str, Zone] = field(default_factory=dict)

    def to_utc(self, time: Time) -> int:
        """UTC seconds of `time`; a DATE is its midnight. Raises ExpansionIncompleteError."""
        return self.zone(time).to_utc(time.seconds)

    def zone(self, time: Time) -> Zone:
        """The clock of `time`; the floating one where its TZID says nothing to us."""
        if time.clock == "utc":
            return UTC
        if time.tzid is None:
            return self.floating
        if time.tzid not in self.zones:
            found = database_zone(time.tzid) or _embedded_zone(
                self.calendar, time.tzid, self.budget
            )
            self.zones[time.tzid] = found or self.floating
        return self.zones[time.tzid]


def read_zone(text: str | None, budget: Budget) -> Zone:
    """The zone of an IANA name, or of a VTIMEZONE as RFC 4791 §5.2.2 gives it; UTC for anything
    else and for None."""
    if text is None:
        return UTC
    if "BEGIN:" not in text.upper():
        return database_zone(text) or UTC
    try:
        roots = read_components(decode(text.strip().encode()), Limits())
    except (ContentLineError, UnicodeEncodeError):
        return UTC
    for root in roots:
        for component in (root, *root.components):
            if component.name == "VTIMEZONE":
                name = component.first("TZID")
                known = database_zone(name.value) if name is not None else None
                return known or _read_observances(component, budget) or UTC
    return UTC


@lru_cache(maxsize=1024)
def database_zone(tzid: str) -> Zone | None:
    """The IANA zone that `tzid` names: as it is, in quotes, after a prefix such as
    `/freeassociation.sourceforge.net/`, by its name in Windows, or as UTC-04:00."""
    found = database_name(tzid)
    if found is not None:
        return _DatabaseZone(ZoneInfo(found))
    offset = _OFFSET_NAME.fullmatch(tzid.strip(" \t\"'"))
    return _FixedZone(read_offset(offset[1] + offset[2])) if offset is not None else None


@lru_cache(maxsize=1024)
def database_name(tzid: str) -> str | None:
    """The IANA name of the zone that `tzid` names in one of the spellings of `database_zone`."""
    name = tzid.strip(" \t\"'")
    if len(name) > 200:
        return None
    known = _names()
    found = known.get(name.lower()) or known.get(WINDOWS_ZONES.get(name.lower(), "").lower())
    parts = name.split("/")
    for length in (3, 2, 1):
        if found is None and len(parts) > length:
            found = known.get("/".join(parts[-length:]).lower())
    return found


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _embedded_zone(calendar: Component, tzid: str, budget: Budget) -> Zone | None:
    for component in calendar.components:
        if component.name == "VTIMEZONE":
            line = component.first("TZID")
            if line is not None and line.value.strip() == tzid.strip():
                return _read_observances(component, budget)
    return None


def _read_observances(component: Component, budget: Budget) -> Zone | None:
    """A VTIMEZONE's observances; those that cannot be read are left out."""
    observances = []
    for part in component.components:
        try:
            observance = _read_observance(part)
        except ValueFormatError:
            continue
        if observance is not None:
            observances.append(observance)
    return _ObservedZone(tuple(observances), budget) if observances else None


def _read_observance(part: Component) -> _Observance | None:
    start, before, after = (
        part.first("DTSTART"),
        part.first("TZOFFSETFROM"),
        part.first("TZOFFSETTO"),
    )
    if start is None or after is None:
        return None
    offset = read_offset(after.value)
    values = [value for line in part.all("RDATE") for value in line_times(line)]
    times = [line_time(start), *(v.start if isinstance(v, Period) else v for v in values)]
    return _Observance(
        times[0].seconds,
        read_offset(before.value) if before is not None else offset,
        offset,
        tuple(read_rule(line.value) for line in part.all("RRULE")),
        tuple(sorted(time.seconds for time in times)),
    )


def _limit(rule: Rule, offset: int) -> int | None:
    if rule.until is None:
        return None
    if rule.until.clock == "utc":
        return rule.until.seconds + offset
    return rule.until.seconds + (DAY - 1 if rule.until.clock == "date" else 0)
