"""A network as PyTorch's modules."""

from __future__ import annotations

from typing import Any

from .activations import ACTIVATIONS
from .network import MLP


def to_torch(net: MLP) -> Any:
    """The network as a ``torch.nn.Sequential`` in 64 bits, with the same parameters.

    A ``Linear`` for each layer, and between them the activations. It takes rows, ``(n, d_0)``, and
    returns ``(n, d_L)``, pre-activations as here; outputs and gradients are equal up to rounding.
    The way back is ``net.load_state_dict(module.state_dict())``.

    Raises:
        TypeError: ``net`` is not an `MLP`.
        ValueError: a row of the table of activations does not name PyTorch's.
        ModuleNotFoundError: PyTorch is not installed.
    """
    if type(net) is not MLP:
        raise TypeError(f"net must be an MLP, got {net!r}")
    try:
        import torch
    except ModuleNotFoundError:
        raise ModuleNotFoundError("to_torch needs PyTorch: pip install torch") from None

    modules: list[Any] = []
    for layer in net.layers:
        state = layer.state_dict()
        d_out, d_in = state["weight"].shape
        linear = torch.nn.Linear(d_in, d_out, bias="bias" in state, dtype=torch.float64)
        linear.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
        modules.append(linear)
        row = ACTIVATIONS[layer.activation]
        if row.is_identity:
            continue
        if row.torch is None:
            raise ValueError(f"activation {row.name!r} has no module of PyTorch in its row")
        modules.append(row.torch(torch.nn))
    return torch.nn.Sequential(*modules)
