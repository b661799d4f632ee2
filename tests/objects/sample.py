"""Building small objects for the tests of this folder."""

from davenport.objects.calendar import CalendarObject, read_calendar_object


def calendar(*lines: str, kind: str = "VEVENT", uid: str = "u") -> bytes:
    """One component of `kind` with a UID and `lines`."""
    return wrapped(f"BEGIN:{kind}", f"UID:{uid}", *lines, f"END:{kind}")


def wrapped(*lines: str) -> bytes:
    """VCALENDAR around `lines`."""
    all_lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//t//EN", *lines, "END:VCALENDAR")
    return "".join(f"{line}\r\n" for line in all_lines).encode()


def calendar_object(*lines: str, kind: str = "VEVENT") -> CalendarObject:
    """The same, read."""
    return read_calendar_object(calendar(*lines, kind=kind))


def card(*lines: str, version: str = "4.0") -> bytes:
    """One VCARD."""
    all_lines = ("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD")
    return "".join(f"{line}\r\n" for line in all_lines).encode()
