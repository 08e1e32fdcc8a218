"""Finished shards as files of a folder, so that a campaign goes on where it was left."""

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import NoReturn, TypeAlias

from slatesim._jobs import Job, Size
from slatesim.errors import ConfigError, Error

Folder: TypeAlias = str | os.PathLike[str]

_NAME = re.compile(r"shard-(\d{1,18})-of-(\d{1,18})\.json")


def _refuse(path: Path, why: str) -> NoReturn:
    message = f"the file {path} cannot be used as a `checkpoint`: {why}; choose another folder, or delete the file"
    raise ConfigError(message)


class Checkpoint:
    """A folder that has a file for each finished shard; without a folder it keeps nothing."""

    def __init__(self, folder: Folder | None) -> None:
        """Open a folder, and make it if it is not there."""
        self._folder: Path | None = None
        if folder is None:
            return
        try:
            self._folder = Path(folder)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._found = sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        except (OSError, TypeError, ValueError) as error:
            message = f"`checkpoint` = {folder!r} is not allowed ({error}); allowed is a folder that can be written to"
            raise ConfigError(message) from None

    def __bool__(self) -> bool:
        """Tell whether there is a folder."""
        return self._folder is not None

    def count(self, asked: int | None) -> int | None:
        """Return the number of shards of which there are files; it must be the one that is asked for, if one is."""
        count = asked
        for path in self._found if self._folder is not None else ():
            found = _numbers(path)[1]
            if count is None:
                count = found
            elif found != count:
                other = "another file there is not" if asked is None else f"the campaign has {asked}"
                _refuse(path, f"it is one of {found} shards, and {other}")
        return count

    def load(self, job: Job, count: int, size: Size) -> dict[int, str]:
        """Return the finished shards by their indices.

        A file that is damaged, or of another configuration, is refused.
        """
        return {} if self._folder is None else dict(_read(path, job, count, size) for path in self._found)

    def keep(self, index: int, count: int, text: str) -> None:
        """Write the file of a finished shard: under another name first, so that no file is ever half written."""
        if self._folder is None:
            return
        path = self._folder / f"shard-{index:05}-of-{count:05}.json"
        temporary: str | None = None
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=self._folder)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            temporary = None
        except OSError as error:
            message = f"the file {path} cannot be written: {error}; the shards that are in the folder are kept"
            raise Error(message) from error
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)


def _numbers(path: Path) -> tuple[int, int]:
    """Return which shard a file holds, and of how many."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2])


def _read(path: Path, job: Job, count: int, size: Size) -> tuple[int, str]:
    """Read the file of a finished shard."""
    index, of = _numbers(path)
    if of != count or index >= count:
        _refuse(path, f"this campaign has {count} shards")
    try:
        text = path.read_text(encoding="utf-8")
        why = job.check(text, index, count, size)
    except (OSError, ValueError) as error:
        _refuse(path, str(error))
    if why is not None:
        _refuse(path, why)
    return index, text
