"""Networks, what they are made of, and what their outputs mean."""
