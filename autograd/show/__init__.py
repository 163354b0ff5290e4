"""How graphs are shown: pictures, steps, traces, and pages that play them."""
