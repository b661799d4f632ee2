"""The davenport program's commands."""
