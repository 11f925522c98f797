"""Where digits come from: the MNIST in this package, or any directory in its format."""

from handmade.data.digits import Dataset, Images, load, mnist, prepare

__all__ = ["Dataset", "Images", "load", "mnist", "prepare"]
