"""The sync client: incremental collection sync (RFC 6578) against davenport and other servers."""
