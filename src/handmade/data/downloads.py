"""Table of the data sets that can be downloaded: their files, where they are, their sizes and SHA-256 sums.

Sums and sizes are those of tensorflow-datasets, in `tensorflow_datasets/url_checksums/` of github.com/tensorflow/datasets:
mnist.txt, fashion_mnist.txt, kmnist.txt, emnist.txt and cifar10.txt. A mirror is used only for a file with a published sum, so it
can send no other bytes.
"""

from dataclasses import dataclass

from handmade.data.sources.class_names import EMNIST


@dataclass(frozen=True)
class RemoteFile:
    """File to download.

    Attributes
    ----------
    name : str
        Name of the file in the folder of its set.
    size : int
        Bytes.
    sha256 : str
        SHA-256 sum, in hexadecimal digits.
    urls : tuple of str
        Addresses, in the order in which they are tried.
    members : tuple of str
        Files to take out of an archive; empty if it is none.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteSet:
    """Data set to download: its files, and one line about it."""

    name: str
    text: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


_FOUR = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))


def _four(mirrors: tuple[str, ...], facts: tuple[tuple[int, str], ...]) -> tuple[RemoteFile, ...]:
    """Return MNIST's four files, given their sizes and sums."""
    return tuple(
        RemoteFile(name, size, sha256, tuple(f"{mirror}{name}" for mirror in mirrors))
        for name, (size, sha256) in zip(_FOUR, facts, strict=True)
    )


MNIST = RemoteSet(
    "mnist",
    "handwritten digits, 28 x 28; this set is in the package",
    _four(
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        (
            (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
    ),
)
FASHION_MNIST = RemoteSet(
    "fashion-mnist",
    "clothes and shoes, 28 x 28, 10 classes",
    _four(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        (
            (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
    ),
)
KMNIST = RemoteSet(
    "kmnist",
    "cursive Japanese characters, 28 x 28, 10 classes",
    _four(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        (
            (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ),
    ),
)
EMNIST_SETS = RemoteSet(
    "emnist",
    "handwritten letters and digits, 28 x 28, six splits of 10 to 62 classes",
    (
        RemoteFile(
            "gzip.zip",
            561_753_746,
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
            (
                "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
            ),
            tuple(
                f"gzip/emnist-{split}-{part}-{kind}-ubyte.gz"
                for split in EMNIST
                for part in ("train", "test")
                for kind in ("images-idx3", "labels-idx1")
            ),
        ),
    ),
)
CIFAR_10 = RemoteSet(
    "cifar-10",
    "animals and vehicles in colour, 32 x 32, 10 classes",
    (
        RemoteFile(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            tuple(
                f"cifar-10-batches-bin/{name}"
                for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin", "batches.meta.txt")
            ),
        ),
    ),
)
SETS = {each.name: each for each in (MNIST, FASHION_MNIST, KMNIST, EMNIST_SETS, CIFAR_10)}
