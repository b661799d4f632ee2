"""The same made-up calendar for every peer: one event an object, a fifth of them recurring,
about 1 KB each."""

import random
from datetime import UTC, datetime, timedelta

_WORDS = (
    *("agenda", "budget", "call", "draft", "evening", "family", "garden"),
    *("harbour", "invoice", "journey", "kitchen", "lunch", "meeting", "notes"),
    *("office", "plan", "quarter", "review", "school", "train", "update"),
    *("visit", "weekly", "yearly", "zone"),
)
_EPOCH = datetime(2025, 1, 1, 8, tzinfo=UTC)


def name(number: int) -> str:
    """The last path segment of an object."""
    return f"event-{number:06d}.ics"


def event(number: int, revision: int = 0) -> bytes:
    """The object `number`; another `revision` has another title and the same size."""
    choose = random.Random(number)
    start = _EPOCH + timedelta(hours=choose.randrange(24 * 700))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//davenport//bench//EN",
        "BEGIN:VEVENT",
        f"UID:{number:06d}-3f0e6a52-bench",
        "DTSTAMP:20250101T000000Z",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DURATION:PT{choose.choice((30, 45, 60, 90))}M",
        f"SUMMARY:{' '.join(choose.sample(_WORDS, 3))} {revision:04d}",
        f"LOCATION:Room {choose.randrange(40)}",
        "SEQUENCE:0",
    ]
    if choose.random() < 0.2:
        rule = choose.choice(("FREQ=WEEKLY;COUNT=20", "FREQ=MONTHLY;COUNT=12", "FREQ=YEARLY"))
        lines.append(f"RRULE:{rule}")
    for _ in range(choose.randrange(3)):
        person = choose.choice(_WORDS)
        lines.append(f"ATTENDEE;CN={person};PARTSTAT=ACCEPTED:mailto:{person}@example.org")
    text = " ".join(choose.choices(_WORDS, k=choose.randrange(60, 110)))
    lines.append(f"DESCRIPTION:{text}")
    if choose.random() < 0.5:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "DESCRIPTION:soon",
            "TRIGGER:-PT15M",
            "END:VALARM",
        ]
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(folded(line) for line in lines).encode()


def folded(line: str) -> str:
    """A content line of ASCII, folded at 75 octets (RFC 5545 §3.1)."""
    parts = [line[:75], *(line[at : at + 74] for at in range(75, len(line), 74))]
    return "\r\n ".join(parts) + "\r\n"
