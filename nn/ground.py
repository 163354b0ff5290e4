"""The ground floor must be ours: HIPS's autograd, of the same name, may be installed over it."""

import autograd

if not hasattr(autograd, "Value"):
    where = getattr(autograd, "__file__", None) or list(autograd.__path__)
    raise ImportError(
        f"the autograd in {where} is not chalkgrad's, but HIPS's or what is left of one. To have "
        "chalkgrad's: pip uninstall -y autograd chalkgrad, and install chalkgrad again"
    )

from autograd.about import __version__ as __version__
