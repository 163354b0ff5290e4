"""Which package this is: its version, and whether another one of the same name is in the way.

HIPS's autograd is imported by the name that ours has, and pip lays the one over the other without
a word. Whoever is installed last has ``autograd/__init__.py``; whoever is removed takes it along.
So this file needs nothing but the standard library: it answers also where theirs is on top.
"""

import re
import warnings
from os import listdir
from pathlib import Path

__version__ = "0.1.0"

HERE = Path(__file__).parent
CURE = "pip uninstall -y autograd chalkgrad, and install chalkgrad again"


def neighbour(site: Path | None = None) -> str | None:
    """What pip wrote of another package called autograd, in the folder that ours stands in.

    Args:
        site: that folder.

    Returns:
        Its name, such as ``"autograd-1.8.0.dist-info"``, or None.
    """
    # A listing takes less than a millisecond; to import `importlib.metadata` takes some twenty.
    try:
        there = listdir(HERE.parent if site is None else site)
    except OSError:  # a folder that may not be read, an archive
        return None
    return next((name for name in there if re.match(r"autograd-.*\.(dist|egg)-info$", name)), None)


def warn_of_neighbour(site: Path | None = None) -> None:
    """Say so, with the cure, if HIPS's autograd is installed into the same folder."""
    other = neighbour(site)
    if other is not None:
        warnings.warn(
            f"HIPS's autograd ({other}) is installed in one folder with chalkgrad, of the same "
            f"import name: uninstalling one breaks the other. To have chalkgrad alone: {CURE}",
            stacklevel=3,
        )
