"""All exact differences of a network in compiled loops: what cannot switch is linear, and is crossed once, backwards."""
