"""How pictures of our own are painted: colours by sign and size, on light and on dark ground."""

import math

# Blue and orange can be told apart by nearly everybody. Paper is light.
LIGHT = (
    "--ink: #1c1c1c; --soft: #5c5c5c; --paper: #ffffff; --edge: #8a8a8a; --on: #a3006d;"
    " --plus: #3f8fd0; --minus: #ee8a2e; --odd: #ffd400;"
)
DARK = (
    "--ink: #ececec; --soft: #b0b0b0; --paper: #1b1c1e; --edge: #85898e; --on: #ff8fd2;"
    " --plus: #3b8ad0; --minus: #d2751c; --odd: #b39400;"
)
# A page is light or dark as what lies around it, by the class `dark`, and so are the pictures in
# it. Alone, or as an image, a picture follows the reader's system; in another's page it is light.
PAGE = f"""
.player, .live {{ {LIGHT} --line: #c8c8c8; --key: #f1f1f1; }}
@media screen {{
  .player.dark, .live.dark, .dark .picture {{ {DARK} --line: #55585c; --key: #303338; }}
}}
"""
PAINT = f"""
.picture {{ {LIGHT} font-family: Helvetica, Arial, sans-serif; background: var(--paper); }}
@media screen and (prefers-color-scheme: dark) {{ .picture:root {{ {DARK} }} }}
text {{ fill: var(--ink); }}
.plus {{ fill: var(--plus); }} .minus {{ fill: var(--minus); }} .odd {{ fill: var(--odd); }}
.none {{ fill: none; }}
"""


def fill(grad: float, largest: float) -> tuple[str, str]:
    """The colour for a gradient: its class (by its sign) and its opacity (by its size)."""
    if not math.isfinite(grad):
        return "odd", "1"
    if grad == 0.0:
        return "none", "0"
    depth = 0.15 + 0.6 * math.sqrt(min(abs(grad) / largest, 1.0))
    return "plus" if grad > 0 else "minus", f"{depth:.2f}"


def document(width: float, height: float, style: str, body: str, margin: int = 0) -> str:
    """A whole SVG document, with so much room left and above of where x and y are 0."""
    w, h = round(width), round(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="{w}" height="{h}"'
        f' viewBox="{-margin} {-margin} {w} {h}"><style>{style}</style>{body}</svg>'
    )
