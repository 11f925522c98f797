"""The mathematics, on NumPy alone."""
