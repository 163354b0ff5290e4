"""Writing files so that nothing is ever half written."""

import os
import uuid
from pathlib import Path


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that its name always holds the old content or the new, never a part.

    Raises:
        FileNotFoundError: its folder does not exist.
        IsADirectoryError: it is a folder itself.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"can't write {str(path)!r}: there is no folder {str(folder)!r}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"can't write {str(path)!r}: it is a folder")
    temporary = folder / f".writing-{uuid.uuid4().hex}"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:  # with the name that was given
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
