"""What the rows find in an account: events, a task and cards of our own making."""

from urllib.parse import quote

from tests.clients.row import Stage


def lines(*content: str) -> str:
    """Content lines with CR LF."""
    return "".join(f"{line}\r\n" for line in content)


def calendar(*content: str) -> str:
    """A VCALENDAR around content lines."""
    return lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//davenport//tests//EN",
        *content,
        "END:VCALENDAR",
    )


def event(uid: str, *content: str, summary: str = "Tea") -> str:
    """A calendar object with one event on 14 March 2026, or with the `content` given."""
    when = content or ("DTSTART:20260314T150000Z", "DTEND:20260314T160000Z")
    return calendar(
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        *when,
        f"SUMMARY:{summary}",
        "END:VEVENT",
    )


def task(uid: str, summary: str = "Buy tea") -> str:
    """A calendar object with one task."""
    return calendar(
        "BEGIN:VTODO",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        "DUE:20260320T120000Z",
        f"SUMMARY:{summary}",
        "STATUS:NEEDS-ACTION",
        "END:VTODO",
    )


def card(uid: str, name: str = "Ada Lovelace", version: str = "3.0") -> str:
    """An address object."""
    given, _, family = name.partition(" ")
    return lines(
        "BEGIN:VCARD",
        f"VERSION:{version}",
        f"UID:{uid}",
        f"FN:{name}",
        f"N:{family};{given};;;",
        f"EMAIL;TYPE=home:{given.lower()}@example.org",
        "END:VCARD",
    )


SINGLE = event("single")
WEEKLY = event(
    "weekly",
    "DTSTART:20260302T090000Z",
    "DURATION:PT1H",
    "RRULE:FREQ=WEEKLY",
    summary="Stand-up",
)
ALL_DAY = event(
    "allday", "DTSTART;VALUE=DATE:20260401", "DTEND;VALUE=DATE:20260402", summary="Fair"
)
ODD_NAME = "dîner à deux@home.ics"
ODD = event("odd", "DTSTART:20260501T180000Z", "DURATION:PT2H", summary="Dîner")
TASK = task("buy")
ADA = card("ada")
GRACE = card("grace", "Grace Hopper", version="4.0")


def seed(stage: Stage) -> None:
    """Put the objects into the account of `stage`."""
    for folder, name, body, kind in (
        (stage.calendar, "single.ics", SINGLE, "text/calendar; charset=utf-8"),
        (stage.calendar, "weekly.ics", WEEKLY, "text/calendar; charset=utf-8"),
        (stage.calendar, "allday.ics", ALL_DAY, "text/calendar; charset=utf-8"),
        (stage.calendar, quote(ODD_NAME), ODD, "text/calendar; charset=utf-8"),
        (stage.tasks, "buy.ics", TASK, "text/calendar; charset=utf-8"),
        (stage.book, "ada.vcf", ADA, "text/vcard; charset=utf-8"),
        (stage.book, "grace.vcf", GRACE, "text/vcard; charset=utf-8"),
    ):
        headers = {"Content-Type": kind, "If-None-Match": "*"}
        answer = stage.wire.request("PUT", folder + name, body, headers)
        assert answer.status == 201, (name, answer, answer.body)
