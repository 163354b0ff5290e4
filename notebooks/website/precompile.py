"""Byte code beside the source, in the wheels of the site and in its standard library.

Python in a browser has nowhere to keep byte code: without it, all that a notebook imports would be
compiled anew each time a notebook is opened, which takes half of the kernel's start. Byte code is
good for one version of Python alone, so `precompile.mjs` runs this in the very one of the site.
"""

import py_compile
import sys
import tempfile
import zipfile
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath


def precompile(archive: Path) -> None:
    """Put the byte code of each module into a wheel, or into a zip file that is imported from."""
    wheel = archive.suffix == ".whl"  # is unpacked, so Python looks for byte code in a folder
    with tempfile.TemporaryDirectory() as name:
        source, code, new = Path(name) / "source", Path(name) / "code", Path(name) / "new"
        with zipfile.ZipFile(archive) as old, zipfile.ZipFile(new, "w") as packed:
            for entry in old.infolist():
                if entry.filename.endswith(".pyc"):
                    continue
                data = old.read(entry)
                packed.writestr(entry, data, zipfile.ZIP_DEFLATED)
                if not entry.filename.endswith(".py"):
                    continue
                source.write_bytes(data)
                try:
                    py_compile.compile(
                        str(source), str(code), entry.filename, doraise=True,
                        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                    )  # fmt: skip
                except py_compile.PyCompileError:  # a template, or for another Python
                    continue
                path = PurePosixPath(entry.filename)
                at = cache_from_source(str(path)) if wheel else f"{path}c"
                made = zipfile.ZipInfo(at, entry.date_time)
                packed.writestr(made, code.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.write_bytes(new.read_bytes())


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).iterdir()):
        if path.suffix in (".whl", ".zip"):
            precompile(path)
