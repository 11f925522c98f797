"""Where digits come from: the MNIST in this package, any directory in its format, or a picture of your own."""

from handmade.data.augmentation import Augmentation
from handmade.data.digits import Dataset, Images, load, mnist, prepare
from handmade.data.handwriting import Digit, find_digit

__all__ = ["Augmentation", "Dataset", "Digit", "Images", "find_digit", "load", "mnist", "prepare"]
