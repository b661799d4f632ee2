"""The small page that tells people which addresses to type into their clients."""

from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment

from davenport.server.context import Context

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(autoescape=True)


def start_page(base: str) -> bytes:
    """What a browser is shown at `/`; `base` is the server's URL without its last slash."""
    source = (files("davenport.server") / "pages" / "start.html").read_text("utf-8")
    return _environment().from_string(source).render(base=f"{base}/").encode()


def addresses(context: Context) -> bytes:
    """The same page on the fixed collections, for a browser that logged in there."""
    configuration = context.configuration
    return start_page(configuration.public_url or configuration.path_prefix)
