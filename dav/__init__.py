"""The WebDAV, CalDAV and CardDAV protocol as values, without I/O, for server and client."""
