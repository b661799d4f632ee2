"""Where well-known providers have their services: tried before DNS is asked, since what several of
them announce leads nowhere. What a person gives as a URL comes before all of it."""

from dataclasses import dataclass

from davenport.sync.side import Kind

# Where common servers put their services when nothing announces them.
GENERIC_PATHS = ("/", "/dav/", "/remote.php/dav/", "/dav.php/", "/caldav.php/", "/SOGo/dav/")


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider: the domains of its mail addresses, the hosts that its accounts are spread over
    (`*.` stands for any beneath), its services with `{mail}` for the address, the rate it bears in
    requests a second, and what a person has to know about signing in."""

    name: str
    domains: tuple[str, ...]
    hosts: tuple[str, ...]
    calendar: str | None
    addressbook: str | None
    sign_in: str
    rate: float | None = None

    def service(self, kind: Kind) -> str | None:
        """The service's URL."""
        return self.calendar if kind == "calendar" else self.addressbook


_APP = "make a password for this app in the account's security settings"
PRESETS = (
    Preset(
        "iCloud",
        ("icloud.com", "me.com", "mac.com"),
        ("*.icloud.com",),
        "https://caldav.icloud.com/",
        "https://contacts.icloud.com/",
        "make an app-specific password in the Apple account",
    ),
    Preset(
        "Fastmail",
        ("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org"),
        ("*.fastmail.com",),
        "https://caldav.fastmail.com/dav/principals/user/{mail}/",
        "https://carddav.fastmail.com/dav/principals/user/{mail}/",
        _APP,
    ),
    Preset(
        "Google",
        ("gmail.com", "googlemail.com"),
        ("apidata.googleusercontent.com", "www.googleapis.com"),
        "https://apidata.googleusercontent.com/caldav/v2/{mail}/user",
        "https://www.googleapis.com/.well-known/carddav",
        "only tokens (OAuth 2) of an app registered with Google are taken, no passwords",
        rate=5.0,
    ),
    Preset(
        "mailbox.org",
        ("mailbox.org",),
        ("dav.mailbox.org",),
        "https://dav.mailbox.org/caldav/",
        "https://dav.mailbox.org/carddav/",
        _APP,
        rate=4.0,
    ),
    Preset(
        "Posteo",
        ("posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.ch"),
        ("posteo.de",),
        "https://posteo.de:8443/",
        "https://posteo.de:8443/",
        "use the password of the mail account",
    ),
    Preset(
        "GMX",
        ("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.com"),
        ("caldav.gmx.net", "carddav.gmx.net"),
        "https://caldav.gmx.net/begenda/dav/{mail}/",
        "https://carddav.gmx.net/",
        "allow access by other programs in the settings first",
        rate=0.5,
    ),
    Preset(
        "WEB.DE",
        ("web.de",),
        ("caldav.web.de", "carddav.web.de"),
        "https://caldav.web.de/begenda/dav/{mail}/",
        "https://carddav.web.de/",
        "allow access by other programs in the settings first",
        rate=0.5,
    ),
    Preset(
        "Yahoo",
        ("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "ymail.com", "aol.com"),
        ("caldav.calendar.yahoo.com", "carddav.address.yahoo.com"),
        "https://caldav.calendar.yahoo.com/",
        "https://carddav.address.yahoo.com/",
        _APP,
    ),
    Preset(
        "Zoho",
        ("zoho.com", "zohomail.com"),
        ("calendar.zoho.com", "contacts.zoho.com"),
        "https://calendar.zoho.com/",
        "https://contacts.zoho.com/",
        _APP,
    ),
    Preset(
        "Zoho (Europe)",
        ("zoho.eu", "zohomail.eu"),
        ("calendar.zoho.eu", "contacts.zoho.eu"),
        "https://calendar.zoho.eu/",
        "https://contacts.zoho.eu/",
        _APP,
    ),
)


def preset_for(host: str) -> Preset | None:
    """The provider of a mail domain, or of a host that one of its services is on."""
    name = host.lower().rstrip(".")
    for preset in PRESETS:
        if name in preset.domains or covers(preset, name):
            return preset
    return None


def covers(preset: Preset, host: str) -> bool:
    """Whether a host is the provider's."""
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        for pattern in preset.hosts
    )
