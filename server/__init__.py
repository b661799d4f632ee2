"""CalDAV and CardDAV over ASGI."""
