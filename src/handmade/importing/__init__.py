"""Networks of other libraries as networks that save, predict and open in the lab: weights, and the preparation of their input."""
