"""The course network: plain conv, ReLU and max-pool, then global average pooling and one Dense layer.

``load()`` gives the network that ships with the course. ``python -m camlib.course_network`` trains it
again from nothing: it draws the scenes, trains, folds the batch normalisation into the convolutions
and writes the weights with their SHA-256.
"""

import hashlib
from pathlib import Path

import numpy as np

from . import runtime, scenes
from .errors import WeightsError
from .runtime import keras

WEIGHTS = Path(__file__).parent / "data" / "course_network.weights.h5"
# (channels, kernel size, stride, max-pool after it)
BLOCKS = ((24, 7, 2, True), (40, 3, 1, True), (64, 3, 1, False), (64, 3, 1, False))
TRAINING = dict(count=12_000, epochs=14, seed=1, batch=64, rate=3e-3)


def build(batch_norm=False):
    """Return the untrained network: images (N, 96, 96, 3) in 0..1 to logits (N, 8).

    The last maps, ``relu4``, are (N, 12, 12, 64). With ``batch_norm`` each convolution is
    followed by one, for training only; ``fold`` takes it out again.
    """
    layers = keras.layers
    x = image = keras.Input((scenes.SIZE, scenes.SIZE, 3), name="image")
    for i, (channels, kernel, stride, pool) in enumerate(BLOCKS, 1):
        # Small first weights under a weight decay: what survives is what the data asked for.
        readable = dict(kernel_initializer=keras.initializers.RandomNormal(0, 0.03),
                        kernel_regularizer=keras.regularizers.L2(5e-4)) if i == 1 else {}
        x = layers.Conv2D(channels, kernel, stride, padding="same", name=f"conv{i}", **readable)(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.98, name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
        if pool:
            x = layers.MaxPooling2D(2, name=f"pool{i}")(x)
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    return keras.Model(image, layers.Dense(len(scenes.CLASSES), name="logits")(x), name="course_network")


def load(path=WEIGHTS):
    """Return the trained course network.

    Raises WeightsError if the file is missing or is not, byte for byte, the one that was published.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: reinstall camlib, or train it again with `make network`")
    digest = path.with_suffix(".sha256")
    expected = digest.read_text().strip().split(" ")[0] if digest.is_file() else ""
    if not expected:
        raise WeightsError(f"{digest} is missing or empty: it holds the SHA-256 that {path.name} is checked against")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(f"{path} is damaged: its SHA-256 is {found[:12]}..., expected {expected[:12]}...; "
                           "restore the file, or train it again with `make network`")
    model = build()
    model.load_weights(path)
    return model


def fold(trained):
    """Return a network without batch normalisation that computes the same logits.

    A convolution K, b followed by gain g, shift s, mean m, variance v is the convolution
    K g/sqrt(v + eps), (b - m) g/sqrt(v + eps) + s.
    """
    plain = build()
    for layer in plain.layers:
        if layer.name.startswith("conv"):
            norm = trained.get_layer(layer.name.replace("conv", "norm"))
            kernel, bias = trained.get_layer(layer.name).get_weights()
            gain, shift, mean, variance = norm.get_weights()
            scale = gain / np.sqrt(variance + norm.epsilon)
            layer.set_weights([kernel * scale, (bias - mean) * scale + shift])
    plain.get_layer("logits").set_weights(trained.get_layer("logits").get_weights())
    return plain


class Batches(keras.utils.PyDataset):
    """Shuffled batches, each image flipped, shifted up to 6 pixels and its colour channels permuted."""

    def __init__(self, images, labels, batch, seed):
        super().__init__()
        self.images, self.labels, self.batch = images, labels, batch
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // self.batch

    def on_epoch_end(self):
        """Shuffle the images anew."""
        self.order = self.rng.permutation(len(self.images))

    def __getitem__(self, index):
        chosen = self.order[index * self.batch:(index + 1) * self.batch]
        return np.stack([self.vary(image) for image in self.images[chosen]]), self.labels[chosen]

    def vary(self, image):
        """One random variant of an image (H, W, 3)."""
        y, x = self.rng.integers(0, 13, 2)
        image = np.pad(image, ((6, 6), (6, 6), (0, 0)), mode="reflect")[y:y + scenes.SIZE, x:x + scenes.SIZE]
        return image[:, ::self.rng.choice([-1, 1]), self.rng.permutation(3)]


def train(images, labels, *, epochs, seed, batch=64, rate=3e-3, model=None, verbose=1):
    """Train on images (N, 96, 96, 3) with labels (N,) and return a network without batch normalisation.

    It starts from nothing, with batch normalisation, which is folded in the end; or it goes on with a copy of
    ``model``. Rate: Adam's first, falling to zero by a cosine; ``verbose`` as in Keras' ``fit``.
    """
    batches = Batches(images, labels, batch, seed)
    student = build(batch_norm=True) if model is None else keras.models.clone_model(model)
    if model is not None:
        student.set_weights(model.get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * len(batches))
    student.compile(keras.optimizers.Adam(schedule),
                    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    student.fit(batches, epochs=epochs, shuffle=False, verbose=verbose)
    return fold(student) if model is None else student


def save(model, path):
    """Write the weights of ``model`` to ``path``, and beside them the SHA-256 that ``load`` asks for."""
    path.parent.mkdir(exist_ok=True)
    model.save_weights(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n")


def accuracy(model, images, labels):
    """The share of images whose largest logit is the label's."""
    return float((model.predict(images, verbose=0).argmax(1) == labels).mean())


def main():
    """Train the course network again, from nothing, write its weights and print its accuracy."""
    runtime.repeatable(TRAINING["seed"], threads=2)
    options = dict(TRAINING)
    images, labels, _, _ = scenes.make(options.pop("count"), options["seed"], progress=True)
    model = train(images, labels, **options)
    save(model, WEIGHTS)
    unseen = scenes.make(2000, seed=2, progress=True)
    print(f"accuracy on 2000 unseen scenes: {accuracy(model, unseen.images, unseen.labels):.3f}")


if __name__ == "__main__":
    main()
