"""Names and values of properties and components as people read them in tables and reports."""

from collections.abc import Iterable

from davenport.objects.canonical import BINARIES, PART, STRUCTURED, decoded_bytes
from davenport.objects.contentline import ContentLine, unescape_text
from davenport.objects.normal import NormalComponent, NormalProperty

_LONGEST = 2_000
# Parameters that say what the value does not.
_SHOWN = frozenset(
    [
        "TZID",
        "PARTSTAT",
        "ROLE",
        "RSVP",
        "CN",
        "CUTYPE",
        "TYPE",
        "PREF",
        "RELTYPE",
        "RELATED",
        "LANGUAGE",
        "RANGE",
        "SCHEDULE-AGENT",
    ]
)


def component_label(component: NormalComponent) -> str:
    """`VEVENT`, or with what tells it from its siblings: `VEVENT 20250102T100000`."""
    name = component.name
    if name == "VALARM":
        said = (component.first("ACTION"), component.first("TRIGGER"))
        return " ".join([name, *(line_text(found.line) for found in said if found is not None)])
    shown = component.first("RECURRENCE-ID") or (
        component.first("TZID") if name == "VTIMEZONE" else None
    )
    return name if shown is None else f"{name} {line_text(shown.line)}"


def property_label(found: NormalProperty) -> str:
    """The name, and for what stands more than once the value that identifies it."""
    if found.name in ("ATTENDEE", "ORGANIZER"):
        return f"{found.name} {found.value}"
    return found.name


def property_text(found: NormalProperty) -> str:
    """The value, unescaped, with the parameters that say something and the label."""
    if found.item is not None:
        return _cut(unescape_text(found.item).strip())
    labels = [text for _, text in found.labels if text]
    parameters = [
        f"{key}={','.join(values)}" for key, values in found.parameters if key in _SHOWN or not key
    ]
    others = [
        f"{key}={','.join(values)}" for key, values in found.parameters if key not in _SHOWN and key
    ]
    zone = found.line.parameter("TZID")
    said = [*labels, *([f"TZID={zone}"] if zone and not parameters else []), *parameters, *others]
    text = line_text(found.line)
    return _cut(f"{text} ({'; '.join(said)})" if said else text)


def line_text(line: ContentLine) -> str:
    """The value of a line without its escapes; bytes by their number."""
    if line.name in BINARIES:
        decoded = decoded_bytes(line)
        if decoded is not None:
            return f"{len(decoded[0])} bytes {decoded[1]}".rstrip()
    if line.name in STRUCTURED:
        return line.value.strip(";")
    return unescape_text(line.value)


def properties_text(properties: Iterable[NormalProperty]) -> str | None:
    """Several properties, with their names where they differ; None for none."""
    shown = [found for found in properties if not found.noise]
    if not shown:
        return None
    if len({found.name for found in shown}) == 1:
        return _cut("\n".join(property_text(found) for found in shown))
    return _cut("\n".join(f"{found.name}: {property_text(found)}" for found in shown))


def component_text(component: NormalComponent | None) -> str | None:
    """What a component says, a property a line; None for none."""
    if component is None:
        return None
    inner = [
        f"{component_label(part)}: {(component_text(part) or '').replace(chr(10), ', ')}"
        for part in component.components
    ]
    own = [
        f"{found.name}: {property_text(found)}"
        for found in component.properties
        if not found.silent and found.name != "UID"
    ]
    return _cut("\n".join([*own, *inner]))


def _cut(text: str) -> str:
    text = text.replace(PART, ";")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
