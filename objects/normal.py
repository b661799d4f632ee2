"""An object in normal form: what is compared by fingerprints, differences and merges.

Each normal property and component keeps the content line or component that it came from.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from davenport.objects.canonical import LISTS, PART, canonical_items, canonical_value
from davenport.objects.canonical_parameter import Parameters, canonical_parameters
from davenport.objects.contentline import (
    Component,
    ContentLine,
    ContentLineError,
    decode,
    read_components,
    unescape_text,
)
from davenport.objects.limits import Limits
from davenport.objects.recurrence import Budget, ExpansionIncompleteError
from davenport.objects.timezone import UTC, Clocks
from davenport.objects.value import ValueFormatError, line_time

Labels = tuple[tuple[str, str], ...]
Form = tuple[str, Parameters, str, Labels]
ComponentForm: TypeAlias = "tuple[str, tuple[Form, ...], tuple[ComponentForm, ...]]"

_LIMITS = Limits()
_ALIASES = {"X-ADDRESSBOOKSERVER-KIND": "KIND", "X-ADDRESSBOOKSERVER-MEMBER": "MEMBER"}
LABELS = frozenset({"X-ABLABEL", "X-ABADR"})
_MOST_LABELS = 8
# What software writes for itself or anew each time, and dismissals of alarms.
_NOISE = frozenset(
    [
        "PRODID",
        "METHOD",
        "CALSCALE",
        "DTSTAMP",
        "CREATED",
        "LAST-MODIFIED",
        "REV",
        "X-RADICALE-NAME",
        "X-MOZ-LASTACK",
        "X-MOZ-GENERATION",
        "ACKNOWLEDGED",
    ]
)
_NOISE_PREFIXES = ("X-WR-", "X-MOZ-SNOOZE-TIME")
_CALENDAR_NOISE_PREFIX = "X-EVOLUTION-"
_CARD_NOISE_PREFIXES = ("X-EVOLUTION-WEBDAV-", "X-EVOLUTION-VCARD-")
# A property that says what its absence says (RFC 5545 §3.8, RFC 6350 §6.1.4).
_DEFAULTS = frozenset(
    {("TRANSP", "OPAQUE"), ("CLASS", "PUBLIC"), ("SEQUENCE", "0"), ("PRIORITY", "0")}
    | {("REPEAT", "0"), ("KIND", "INDIVIDUAL")}
)


@dataclass(frozen=True, slots=True)
class NormalProperty:
    """A property, or one item of a list of `canonical.LISTS`, written as `item`.

    `labels` are the Apple labels of its group and a telling name of the group itself. `noise` and
    `default` ones are compared nowhere.
    """

    line: ContentLine
    name: str
    parameters: Parameters
    value: str
    labels: Labels = ()
    label_lines: tuple[ContentLine, ...] = ()
    item: str | None = None
    noise: bool = False
    default: bool = False

    @property
    def form(self) -> Form:
        """What makes two properties equal."""
        return self.name, self.parameters, self.value, self.labels

    @property
    def silent(self) -> bool:
        """It takes no part in comparisons."""
        return self.noise or self.default


@dataclass(slots=True)
class NormalComponent:
    """A component; `key` tells it from its siblings, `recurrence` is its RECURRENCE-ID as an
    instant with its type, or empty."""

    source: Component
    key: tuple[str, ...]
    properties: list[NormalProperty]
    components: list["NormalComponent"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """VEVENT, VALARM …"""
        return self.source.name

    def first(self, name: str) -> NormalProperty | None:
        """The first property `name`."""
        return next((found for found in self.properties if found.name == name), None)

    def all(self, name: str) -> list[NormalProperty]:
        """The properties `name` in order."""
        return [found for found in self.properties if found.name == name]

    def form(self, *, ignore_uid: bool = False) -> ComponentForm:
        """The sorted forms of what it holds, without time zones and what is silent."""
        properties = sorted(
            found.form
            for found in self.properties
            if not found.silent and not (ignore_uid and found.name == "UID")
        )
        components = sorted(
            part.form(ignore_uid=ignore_uid) for part in self.components if part.name != "VTIMEZONE"
        )
        return self.name, tuple(properties), tuple(components)


def read_normal(body: bytes) -> tuple[str, list[NormalComponent]]:
    """The text of `body` and its outermost components. Raises ContentLineError."""
    text = decode(body)
    return text, normal_components(read_components(text, _LIMITS))


def normal_components(roots: list[Component]) -> list[NormalComponent]:
    """The normal form of outermost components."""
    found = []
    for root in roots:
        clocks = Clocks(root, UTC, Budget(_LIMITS.rule_steps))
        found.append(_component(root, clocks))
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """The label lines of a group, and what they and its name say."""

    lines: tuple[ContentLine, ...]
    said: Labels


_NO_GROUP = _Group((), ())


def _component(component: Component, clocks: Clocks) -> NormalComponent:
    groups = _groups(component)
    labels = {line.start for group in groups.values() for line in group.lines}
    properties: list[NormalProperty] = []
    listed: set[Form] = set()  # lists are sets: an item on a second line says nothing more
    for line in component.properties:
        if line.start in labels:
            continue
        name = _ALIASES.get(line.name, line.name)
        group = groups[line.group] if line.group is not None else _NO_GROUP
        for found in _properties(name, component, line, group):
            again = found.item is not None and found.form in listed
            if found.item is not None:
                listed.add(found.form)
            properties.append(replace(found, default=True) if again else found)
    parts = [_component(part, clocks) for part in component.components]
    key = _key(component, clocks)
    properties = [
        replace(found, value=key[1]) if found.name == "RECURRENCE-ID" else found
        for found in properties
    ]
    return NormalComponent(component, key, properties, parts)


def _groups(component: Component) -> dict[str, _Group]:
    """The groups; one that holds labels only has nothing that they could label."""
    labels: dict[str, list[ContentLine]] = {}
    labelled = set()
    for line in component.properties:
        if line.group is not None:
            lines = labels.setdefault(line.group, [])
            if line.name in LABELS:
                lines.append(line)
            else:
                labelled.add(line.group)
    groups = {}
    for name, lines in labels.items():
        own = tuple(lines) if name in labelled else ()
        groups[name] = _Group(own, _said_labels(name, own))
    return groups


def _properties(
    name: str, component: Component, line: ContentLine, group: _Group
) -> list[NormalProperty]:
    """The property of a line, or one for each item of a list; equal items count once."""
    parameters = canonical_parameters(name, component.name, line)
    said, labels = group.said, group.lines
    if name in LISTS:
        items = {value: written for written, value in reversed(canonical_items(name, line))}
        return [
            NormalProperty(line, name, parameters, value, said, labels, written)
            for value, written in reversed(items.items())
        ]
    value = canonical_value(name, component.name, line)
    noise = is_noise(name, component.name)
    default = not parameters and (name, value) in _DEFAULTS
    return [NormalProperty(line, name, parameters, value, said, labels, None, noise, default)]


def _said_labels(group: str, labels: tuple[ContentLine, ...]) -> Labels:
    """The labels of a group and its name; the numbers of item1, item2 … mean nothing."""
    said = [(label.name, unescape_text(label.value).strip()) for label in labels]
    if len(said) > _MOST_LABELS:  # each member of the group repeats them
        digest = hashlib.sha256(repr(sorted(said)).encode()).hexdigest()
        said = [("X-ABLABEL", digest)]
    name = group.lower()
    if name and not (name.startswith("item") and name[4:].isdigit()):
        said.append(("", name))
    return tuple(sorted(said))


def is_noise(name: str, component: str) -> bool:
    """Whether the property `name` says nothing about the object itself."""
    if name in _NOISE or name.startswith(_NOISE_PREFIXES):
        return True
    if component == "VCARD":
        return name.startswith(_CARD_NOISE_PREFIXES)
    return name.startswith(_CALENDAR_NOISE_PREFIX) or (
        name == "VERSION" and component == "VCALENDAR"
    )


def _key(component: Component, clocks: Clocks) -> tuple[str, ...]:
    """The name and what identifies it: RECURRENCE-ID, TZID or UID; empty for a master."""
    if component.name == "VTIMEZONE":
        line = component.first("TZID")
        return component.name, line.value.strip() if line is not None else ""
    line = component.first("RECURRENCE-ID")
    if line is not None:
        return component.name, recurrence_instant(line, clocks)
    return component.name, ""


def recurrence_instant(line: ContentLine, clocks: Clocks) -> str:
    """A time as a UTC instant with its type: `date`, `floating` or `instant`."""
    try:
        time = line_time(line)
        if time.clock in ("date", "floating"):
            return f"{time.clock}{PART}{time.seconds}"
        return f"instant{PART}{clocks.to_utc(time)}"
    except (ValueFormatError, ExpansionIncompleteError):
        return f"as written{PART}{line.value.strip()}"


def read_or_none(body: bytes) -> tuple[str, list[NormalComponent]] | None:
    """`read_normal`, or None where `body` cannot be read."""
    try:
        return read_normal(body)
    except ContentLineError:
        return None
