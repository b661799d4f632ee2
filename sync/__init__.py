"""The sync client (RFC 6578): two collections kept in step, on davenport and on other servers."""
