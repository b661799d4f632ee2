"""Files that are replaced whole or not at all, and etags of what stands in a folder."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from davenport.sync.side import CollectionMissing, ReadOnly, SideError

_UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
# A property of a collection is a line or two.
_LONGEST_TEXT = 64 * 1024
_TRIES = 3


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Turns what the system refuses into ReadOnly, CollectionMissing and SideError."""
    try:
        yield
    except OSError as error:
        if error.errno in _UNWRITABLE:
            raise ReadOnly(f"{what} may not be written: {error.strerror}") from error
        if error.errno == errno.ENOENT:
            raise CollectionMissing(f"{what} has no folder to be in") from error
        raise SideError(f"{what}: {error.strerror}") from error


def is_plain(name: str) -> bool:
    """Whether `name` can only be a visible file inside its folder."""
    return bool(name) and not name.startswith(".") and "/" not in name and "\0" not in name


def _etag(status: os.stat_result) -> str:
    return f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'


def etag_at(path: Path) -> str | None:
    """The etag of a regular file; None for anything else, links included."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return _etag(status) if stat.S_ISREG(status.st_mode) else None


def listing(folder: Path, extension: str) -> dict[str, str]:
    """The visible files with this extension: name to etag. Raises CollectionMissing."""
    found: dict[str, str] = {}
    with errors(f"the folder {folder}"), os.scandir(folder) as entries:
        for entry in entries:
            if not _is_object(entry, extension):
                continue
            try:
                found[entry.name] = _etag(entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue  # removed meanwhile
    return found


def has_any(folder: Path, extension: str) -> bool:
    """Whether a folder holds a file with this extension."""
    try:
        with os.scandir(folder) as entries:
            return any(_is_object(entry, extension) for entry in entries)
    except OSError:
        return False


def _is_object(entry: os.DirEntry[str], extension: str) -> bool:
    if not (entry.name.endswith(extension) and is_plain(entry.name)):
        return False
    return _is_text(entry.name) and entry.is_file(follow_symlinks=False)


def _is_text(name: str) -> bool:
    """Whether a name can be written down: names that are not UTF-8 hold lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def subfolders(root: Path) -> list[Path]:
    """The visible folders inside `root`; raises CollectionMissing."""
    with errors(f"the folder {root}"), os.scandir(root) as entries:
        names = [e.name for e in entries if is_plain(e.name) and e.is_dir(follow_symlinks=False)]
    return [root / name for name in sorted(names) if _is_text(name)]


def read(path: Path) -> tuple[str, bytes] | None:
    """Etag and content, of one moment; None where there is no such file. Links are not followed."""
    for _ in range(_TRIES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise SideError(f"the file {path} cannot be read: {error.strerror}") from error
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            body = file.read()
            after = os.fstat(descriptor)
        if _etag(before) == _etag(after) and len(body) == after.st_size:
            return _etag(after), body
    raise SideError(f"the file {path} changes while it is read")


def read_text(path: Path) -> str | None:
    """The text of a small file; None where there is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_TEXT)
    except OSError:
        return None
    return raw.decode("utf-8", "replace").strip() or None


def is_writable(folder: Path) -> bool:
    """Whether files can be put into a folder."""
    return os.access(folder, os.W_OK | os.X_OK)


def write(path: Path, body: bytes, check: Callable[[], None] | None = None) -> str:
    """Replace the file at `path`, or make it; its new etag. What `check` raises just before the
    replacement leaves the old file as it was."""
    temporary = _written_beside(path, body)
    try:
        if check is not None:
            check()
        etag = _etag(temporary.stat())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return etag


def write_new(path: Path, body: bytes) -> str:
    """Make a file that is not there yet; raises FileExistsError."""
    temporary = _written_beside(path, body)
    try:
        # A link, unlike a rename, fails where the name is taken.
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    etag = etag_at(path)
    if etag is None:
        raise SideError(f"the file {path} vanished as soon as it was written")
    return etag


def _written_beside(path: Path, body: bytes) -> Path:
    """A hidden file on the same file system with `body`, on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if path.exists():
                os.fchmod(descriptor, stat.S_IMODE(path.stat().st_mode))
            file.write(body)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
