"""The WebDAV, CalDAV and CardDAV protocol as values: no I/O, shared by the server and the client."""
