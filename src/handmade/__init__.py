"""A convolutional network for handwritten digits, made by hand."""
