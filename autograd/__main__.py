"""``python -m autograd``: which package of this name it is, and what it finds beside it."""

import platform
import re
import sys
from importlib import metadata

import autograd

from .about import CURE, HERE, __version__, neighbour


def lines() -> tuple[list[tuple[str, str]], bool]:
    """What there is to say, with its headings; and whether all is well."""
    other = neighbour()
    said = [("package", f"chalkgrad {__version__}, in {HERE}")]
    if not hasattr(autograd, "Value"):
        said = [("package", f"not chalkgrad's: {other or 'its __init__.py is gone'}, in {HERE}")]
    else:
        from .show.layout import advice, layout_tool

        said.append(("python", f"{platform.python_version()}, NumPy {metadata.version('numpy')}"))
        said.append(("layout", layout_tool() or f"none. {advice()}"))
        said += [("extra", line) for line in extras()]
    said.append(("beside", "no other package of this name"))
    if other is not None or not hasattr(autograd, "Value"):
        said[-1] = ("beside", f"{other or 'what another autograd has left'}. The cure: {CURE}")
        return said, False
    return said, True


def extras() -> list[str]:
    """Of each extra, whether what it brings is installed."""
    try:
        required = metadata.requires("chalkgrad") or []
    except metadata.PackageNotFoundError:
        return ["unknown: chalkgrad runs from a folder, and is not installed"]
    brings: dict[str, list[str]] = {}
    for line in required:
        found = re.match(r"([\w.-]+).*\bextra == ['\"]([\w-]+)['\"]", line)
        if found and found[1] != "chalkgrad":
            brings.setdefault(found[2], []).append(found[1])
    said = []
    for extra, names in brings.items():
        lacks = [name for name in names if not _is_installed(name)]
        said.append(f"{extra}: {'lacks ' + ', '.join(lacks) if lacks else 'complete'}")
    return said


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def main() -> int:
    """Print it; the exit code is 1 where another package is in the way."""
    said, is_well = lines()
    for heading, text in said:
        print(f"{heading:<8} {text}")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
