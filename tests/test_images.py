"""The laws of camlib.images: what is loaded is what was drawn, and a map stays numbers until it is coloured."""

import pathlib
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile
from skimage import data
from skimage.color import rgb2lab

from camlib import images
from camlib.errors import ImageError, MapError
from camlib.images import as_batch, as_image, colorize, load_image, normalize_map, overlay, resize_map

BYTES = np.random.default_rng(0).integers(0, 256, (11, 17, 3), dtype=np.uint8)  # a picture without any symmetry
SCALES = ("relu", "symmetric", "max")


def signed_maps(*shape, seed=1):
    """Random maps with values of both signs, float64."""
    return np.random.default_rng(seed).normal(size=shape)


def save(picture, path, **options):
    """Save a Pillow image or an array, and return the path."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(path, **options)
    return path


def png_of_zeros(path, side):
    """Write a 1-bit black PNG of side × side pixels by hand, row by row, so that it costs no memory."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + side // 8)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


# -- load_image: right pixels ------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [str, pathlib.Path])
def test_a_photograph_comes_back_exactly(tmp_path, convert):
    """A photograph saved as PNG comes back bit by bit, as float32 RGB in 0..1; the file is not touched."""
    photo = data.chelsea()
    path = save(photo, tmp_path / "chelsea.png")
    before = path.read_bytes()
    pixels = load_image(convert(path))
    assert pixels.dtype == np.float32 and pixels.shape == photo.shape
    assert pixels.min() >= 0 and pixels.max() <= 1
    assert np.array_equal(np.rint(pixels * 255).astype(np.uint8), photo)
    np.testing.assert_array_equal(pixels, photo / np.float32(255))
    assert path.read_bytes() == before


def test_channels_are_red_green_blue(tmp_path):
    """A red picture has its ones in channel 0: RGB, not OpenCV's BGR."""
    assert load_image(save(Image.new("RGB", (2, 3), "red"), tmp_path / "red.png"))[0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("photo", [BYTES, data.chelsea()], ids=["tiny", "chelsea"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation, photo):
    """A picture stored turned or mirrored, with the EXIF note that says so, loads like the upright one."""
    turned = {  # how a camera stores the upright picture, from the EXIF standard's row and column rules
        1: photo, 2: photo[:, ::-1], 3: photo[::-1, ::-1], 4: photo[::-1],
        5: photo.swapaxes(0, 1), 6: photo.swapaxes(0, 1)[::-1],
        7: photo.swapaxes(0, 1)[::-1, ::-1], 8: photo.swapaxes(0, 1)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(np.ascontiguousarray(turned), tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(load_image(path), photo / np.float32(255))


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "webp", "tif", "avif", "ppm"])
def test_every_promised_format_loads(tmp_path, suffix):
    """Each format named in FORMATS is read: a flat colour comes back within what lossy compression changes."""
    color = np.array([200, 60, 30], np.uint8)
    path = save(np.tile(color, (16, 24, 1)), tmp_path / f"flat.{suffix}")
    pixels = load_image(path)
    assert pixels.shape == (16, 24, 3)
    np.testing.assert_allclose(pixels, np.broadcast_to(color / 255, pixels.shape), atol=0.03)


def test_a_phone_photograph_stands_upright(tmp_path):
    """The JPEG of a phone held upright (orientation 6) loads as its stored pixels turned clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = load_image(save(data.chelsea(), tmp_path / "stored.jpg"))
    upright = load_image(save(data.chelsea(), tmp_path / "phone.jpg", exif=exif))
    np.testing.assert_array_equal(upright, np.rot90(stored, -1))


def test_gray_has_three_equal_channels(tmp_path):
    """An 8-bit grey picture becomes RGB with its grey three times."""
    pixels = load_image(save(BYTES[..., 0], tmp_path / "gray.png"))
    np.testing.assert_array_equal(pixels, np.repeat(BYTES[..., :1], 3, axis=2) / np.float32(255))


def test_one_bit_is_black_and_white(tmp_path):
    """A 1-bit picture has the values 0 and 1, not 0 and 1/255."""
    bits = BYTES[..., 0] > 127
    pixels = load_image(save(Image.fromarray(bits), tmp_path / "bits.png"))
    np.testing.assert_array_equal(pixels, np.repeat(bits[..., None], 3, axis=2))


def test_sixteen_bit_gray_keeps_its_bits(tmp_path):
    """16-bit grey is divided by 65535: not clipped, not cut to 8 bits."""
    gray = np.array([[0, 1, 255, 256], [257, 1000, 40000, 65535]], np.uint16)
    for name in ("gray.png", "gray.tif", "gray.pgm"):
        pixels = load_image(save(gray, tmp_path / name))
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, np.repeat(gray[..., None], 3, axis=2) / 65535, rtol=1e-6)


def test_palette_shows_its_colors(tmp_path):
    """A palette picture shows the palette's colours, not its indices."""
    colors, index = BYTES[0, :4], BYTES[..., 0] % 4
    picture = Image.fromarray(index)
    picture.putpalette(colors.ravel().tolist())
    assert picture.mode == "P"
    np.testing.assert_array_equal(load_image(save(picture, tmp_path / "p.png")), colors[index] / np.float32(255))


@pytest.mark.parametrize("transparency", [2, bytes([255, 128, 0, 60])], ids=["one colour", "an alpha each"])
def test_transparent_palette_lies_on_white(tmp_path, transparency):
    """Palette entries that are see-through show white, in proportion to how far they are."""
    colors, index = BYTES[0, :4], BYTES[..., 0] % 4
    picture = Image.fromarray(index)
    picture.putpalette(colors.ravel().tolist())
    path = save(picture, tmp_path / "p.png", transparency=transparency)
    alpha = np.array([255, 255, 0, 255] if transparency == 2 else list(transparency))[index][..., None] / 255
    np.testing.assert_allclose(load_image(path), alpha * colors[index] / 255 + 1 - alpha, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4], ids=["LA", "RGBA"])
def test_alpha_lies_on_white(tmp_path, channels):
    """Where alpha is 0 there is white, where it is 1 the exact colour, in between the mixture."""
    rng = np.random.default_rng(2)
    stored = rng.integers(0, 256, (9, 6, channels), dtype=np.uint8)
    stored[0, :, -1], stored[1, :, -1] = 0, 255
    pixels = load_image(save(stored, tmp_path / "alpha.png"))
    color, alpha = stored[..., :-1] / 255, stored[..., -1:] / 255
    np.testing.assert_allclose(pixels, np.broadcast_to(alpha * color + 1 - alpha, pixels.shape), atol=1e-6)
    assert (pixels[0] == 1).all() and pixels.min() >= 0 and pixels.max() <= 1
    np.testing.assert_array_equal(pixels[1], np.broadcast_to(stored[1, :, :-1] / np.float32(255), (6, 3)))


def test_cmyk_is_turned_into_rgb(tmp_path):
    """Printing colours: no ink is white, cyan ink takes the red away, black ink takes all."""
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]], np.uint8)
    pixels = load_image(save(Image.fromarray(inks, "CMYK"), tmp_path / "inks.tif"))
    np.testing.assert_array_equal(pixels[0], [[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]])


def test_cmyk_jpeg_is_not_inverted(tmp_path):
    """The JPEG of a sheet with a little cyan ink is light, not dark: Adobe's inverted inks are understood."""
    path = save(Image.new("CMYK", (16, 16), (100, 0, 0, 0)), tmp_path / "ink.jpg")
    np.testing.assert_allclose(load_image(path)[8, 8], [155 / 255, 1, 1], atol=0.02)


def test_animation_gives_its_first_frame(tmp_path):
    """Of an animated GIF you get the first frame."""
    frames = [Image.new("RGB", (5, 4), color) for color in ("lime", "red", "blue")]
    path = save(frames[0], tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(load_image(path), np.broadcast_to([0, 1, 0], (4, 5, 3)))


def test_one_pixel_is_a_picture(tmp_path):
    """A 1 × 1 picture loads, and can be enlarged."""
    path = save(BYTES[:1, :1], tmp_path / "dot.png")
    np.testing.assert_array_equal(load_image(path), BYTES[:1, :1] / np.float32(255))
    np.testing.assert_allclose(load_image(path, 4), np.broadcast_to(BYTES[0, 0] / 255, (4, 4, 3)), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_unscaled_numbers_are_refused(tmp_path, dtype):
    """A TIFF of 32-bit numbers has no known white: it is refused, never guessed."""
    path = save(np.array([[0, 70000]], dtype), tmp_path / "numbers.tif")
    with pytest.raises(ImageError, match="32-bit numbers.*scale them"):
        load_image(path)


# -- load_image: size --------------------------------------------------------------------------------


def test_size_is_a_square_or_height_and_width(tmp_path):
    """A number gives a square; a pair is (height, width), in that order."""
    path = save(BYTES, tmp_path / "a.png")
    assert load_image(path, 8).shape == (8, 8, 3)
    assert load_image(path, (5, 9)).shape == (5, 9, 3)
    assert load_image(path, np.array([22, 40])).shape == (22, 40, 3)
    np.testing.assert_array_equal(load_image(path, (11, 17)), load_image(path))


def test_shrinking_averages_every_pixel(tmp_path):
    """Shrunk by whole factors a picture is the mean of its blocks, in float: nothing is skipped or rounded."""
    photo = data.chelsea()[:296, :444]
    small = load_image(save(photo, tmp_path / "a.png"), (74, 148))
    blocks = (photo / 255).reshape(74, 4, 148, 3, 3).mean((1, 3))
    np.testing.assert_allclose(small, blocks, atol=1e-5)


def test_growing_is_bilinear(tmp_path):
    """Enlarged, and where only one axis shrinks, a picture is the bilinear mixture with half-pixel centres."""
    path = save(BYTES, tmp_path / "a.png")
    for size in ((30, 40), (7, 40)):
        np.testing.assert_allclose(load_image(path, size), bilinear(BYTES / 255, *size), atol=1e-5)


@pytest.mark.parametrize("size", [7, 10, 50, (3, 90)])
def test_white_stays_white_at_any_size(tmp_path, size):
    """Resizing neither darkens white nor leaves the range 0..1."""
    pixels = load_image(save(Image.new("RGB", (53, 41), "white"), tmp_path / "white.png"), size)
    assert pixels.max() <= 1 and pixels.min() > 1 - 1e-6


@pytest.mark.parametrize("size", [0, -3, (0, 5), (5, -1), 2.5, "big", (1, 2, 3), (4,), ()])
def test_impossible_sizes_are_refused(tmp_path, size):
    """A size that is not one or two positive whole numbers gets an ImageError (a MapError for a map)."""
    with pytest.raises(ImageError, match="size is"):
        load_image(save(BYTES, tmp_path / "a.png"), size)
    with pytest.raises(MapError, match="size is"):
        resize_map(np.ones((2, 2)), size)


# -- load_image: files that are none -----------------------------------------------------------------


def test_missing_file(tmp_path, monkeypatch):
    """A missing file: the error names it and the folder where a bare name is looked up."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageError, match="cat.png does not exist.*") as caught:
        load_image("cat.png")
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_empty_file(tmp_path):
    """An empty file: the error says that it is empty."""
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(ImageError, match="empty .0 bytes.*again") as caught:
        load_image(path)
    assert caught.value.__cause__ is not None


def test_folder(tmp_path):
    """A folder: the error says so."""
    with pytest.raises(ImageError, match="is a folder; name a file") as caught:
        load_image(tmp_path)
    assert isinstance(caught.value.__cause__, OSError)


def test_text_named_png(tmp_path):
    """A text file named .png: the error says that it is no image and which formats are read."""
    path = tmp_path / "notes.png"
    path.write_text("This is not a picture. " * 100)
    with pytest.raises(ImageError, match="not an image file.*PNG, JPEG") as caught:
        load_image(path)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "webp"])
def test_truncated_files(tmp_path, suffix):
    """A file cut anywhere is refused, or, if only its last few bytes are gone, gives the right pixels: never filler."""
    path = save(BYTES, tmp_path / f"cut.{suffix}")
    right, whole = load_image(path), path.read_bytes()
    for length in [*range(1, len(whole), 23), len(whole) - 1]:
        path.write_bytes(whole[:length])
        try:
            np.testing.assert_array_equal(load_image(path), right)
            assert length > len(whole) - 25
        except ImageError as error:
            assert "cut short or damaged" in str(error) or "not an image" in str(error)
            assert error.__cause__ is not None


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_half_a_photograph(tmp_path, suffix):
    """Half a download of a photograph is refused, and the error says what to do."""
    path = save(data.chelsea(), tmp_path / f"half.{suffix}")
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(ImageError, match="cut short or damaged .*truncated.*download it again"):
        load_image(path)


def test_a_picture_too_big_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    """30,000 × 30,000 pixels: refused from the header alone, with the numbers and the remedy."""
    path = png_of_zeros(tmp_path / "huge.png", 30_000)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=r"30000 × 30000 = 900,000,000 .*100,000,000: shrink it .* raise max_pixels"):
        load_image(path)


def test_max_pixels_is_the_last_size_that_loads(tmp_path):
    """Exactly max_pixels load; one more is refused."""
    path = save(BYTES, tmp_path / "a.png")
    assert load_image(path, max_pixels=11 * 17).shape == BYTES.shape
    with pytest.raises(ImageError, match="17 × 11 = 187 pixels"):
        load_image(path, max_pixels=11 * 17 - 1)


@pytest.mark.parametrize("limit", [150, 10, None], ids=["Pillow would warn", "Pillow would raise", "no limit"])
@pytest.mark.parametrize("suffix", ["png", "gif", "webp", "tif"])
def test_pillows_own_limit_is_left_as_it_was(tmp_path, monkeypatch, limit, suffix):
    """Our limit decides, without Pillow's warning or error; Pillow's is back afterwards, also after an error."""
    path = save(BYTES, tmp_path / f"a.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert load_image(path).shape == BYTES.shape
    assert Image.MAX_IMAGE_PIXELS == limit
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError):
        load_image(path)
    assert Image.MAX_IMAGE_PIXELS == limit


def test_threads_leave_pillows_limit_alone(tmp_path):
    """Loaded from many threads at once, every picture is right and Pillow's limit is there afterwards."""
    path, limit = save(BYTES, tmp_path / "a.png"), Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(8) as pool:
        for pixels in pool.map(load_image, [path] * 100):
            np.testing.assert_array_equal(pixels, BYTES / np.float32(255))
    assert Image.MAX_IMAGE_PIXELS == limit is not None


# -- as_batch, as_image ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 7])
def test_values_are_kept(dtype, channels):
    """Any number of channels and any numbers pass: as float32, unscaled, the input unchanged."""
    batch = np.random.default_rng(3).integers(0, 256, (2, 4, 5, channels)).astype(dtype)
    before = batch.copy()
    for got, wanted in ((as_batch(batch), batch), (as_image(batch[0]), batch[0]), (as_batch(batch.tolist()), batch)):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(batch, before)


def test_image_for_batch_and_batch_for_image():
    """One image where a batch is due, and the reverse: the error says what to write, and writing that helps."""
    image, batch = np.ones((96, 96, 3)), np.ones((4, 96, 96, 3))
    with pytest.raises(ImageError) as caught:
        as_batch(image)
    assert str(caught.value) == "expected a batch (N, H, W, C), got one image (96, 96, 3): write images[None]"
    with pytest.raises(ImageError) as caught:
        as_image(batch)
    assert str(caught.value) == "expected one image (H, W, C), got a batch (4, 96, 96, 3): write images[0]"
    assert as_batch(image[None]).shape == (1, 96, 96, 3) and as_image(batch[0]).shape == (96, 96, 3)


@pytest.mark.parametrize("values", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_not_finite(values):
    """NaN and infinity (also a number too big for float32) are refused: how many, and where the first one is."""
    batch = np.zeros((2, 4, 5, 3))
    batch[1, 2, 3, 1] = batch[1, 3, 0, 0] = values
    with pytest.raises(ImageError, match=r"got 2 .*NaN or infinite.* at \(1, 2, 3, 1\)"):
        as_batch(batch)
    with pytest.raises(ImageError, match=r"at \(2, 3, 1\)"):
        as_image(batch[1])


@pytest.mark.parametrize("bad", [
    np.ones((0, 4, 5, 3)), np.ones((2, 4, 5, 0)), np.ones((4, 5)), np.ones(()), np.full((1, 2, 2, 3), "x"),
    np.ones((1, 2, 2, 3), complex), None, [np.ones((2, 2, 3)), np.ones((3, 3, 3))],
], ids=["no images", "no channels", "two axes", "a number", "text", "complex", "None", "two sizes"])
def test_what_is_no_batch(bad):
    """Empty, text, complex, ragged or wrongly shaped input is refused by both checks."""
    for check in (as_batch, as_image):
        with pytest.raises(ImageError, match="expected"):
            check(bad)


# -- normalize_map -----------------------------------------------------------------------------------


def test_the_four_formulas():
    """Each mode by hand on four numbers."""
    map = np.array([[-4.0, 0.0], [1.0, 2.0]])
    np.testing.assert_array_equal(normalize_map(map, "relu"), [[0, 0], [0.5, 1]])
    np.testing.assert_array_equal(normalize_map(map, "symmetric"), [[-1, 0], [0.25, 0.5]])
    np.testing.assert_array_equal(normalize_map(map, "max"), [[-2, 0], [0.5, 1]])
    np.testing.assert_array_equal(normalize_map(map, "none"), map)


@pytest.mark.parametrize("mode", images.MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalizing_twice_is_normalizing_once(mode, dtype):
    """Idempotence, exactly; the dtype is kept, the input unchanged and not shared."""
    map = signed_maps(3, 5, 7).astype(dtype)
    before = map.copy()
    once = normalize_map(map, mode)
    np.testing.assert_array_equal(normalize_map(once, mode), once)
    np.testing.assert_array_equal(map, before)
    assert once.dtype == dtype and once.shape == map.shape and not np.shares_memory(once, map)


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e-3, 7.0, 1e12, 1e30])
def test_the_scale_of_a_map_does_not_matter(mode, scale):
    """A map and its multiple normalize alike, tiny or huge: no epsilon is added to the divisor."""
    map = signed_maps(5, 7).astype(np.float32)
    scaled = normalize_map(map * np.float32(scale), mode)
    np.testing.assert_allclose(scaled, normalize_map(map, mode), rtol=1e-6)


@pytest.mark.parametrize("mode, low", [("relu", 0), ("symmetric", -1)])
def test_ranges(mode, low):
    """relu fills 0..1 and symmetric lies in −1..1 with one end reached."""
    scaled = normalize_map(signed_maps(6, 5, 7), mode)
    assert scaled.min() >= low and scaled.max() <= 1
    np.testing.assert_array_equal(np.abs(scaled).max((1, 2)), 1)


@pytest.mark.parametrize("mode", images.MODES)
def test_nothing_becomes_nan(mode):
    """A zero map stays zero; with nothing positive relu and max give zero; extreme maps stay finite."""
    np.testing.assert_array_equal(normalize_map(np.zeros((3, 4)), mode), np.zeros((3, 4)))
    negative = -np.abs(signed_maps(3, 4)) - 0.1
    if mode in ("relu", "max"):
        np.testing.assert_array_equal(normalize_map(negative, mode), np.zeros((3, 4)))
    if mode == "symmetric":
        assert normalize_map(negative, mode).min() == -1
    for dtype in (np.float32, np.float64):
        edges = np.array([[np.finfo(dtype).smallest_subnormal, np.finfo(dtype).min]], dtype)
        assert np.isfinite(normalize_map(edges, mode)).all()
        assert np.isfinite(normalize_map(edges[:, :1], mode)).all()


@pytest.mark.parametrize("mode", images.MODES)
def test_each_map_of_a_batch_on_its_own(mode):
    """A batch is normalized map by map: a strong map does not dim the others, a zero map between them stays zero."""
    maps = signed_maps(4, 5, 7) * np.array([1, 1000, 0, 1e-9])[:, None, None]
    np.testing.assert_array_equal(normalize_map(maps, mode), np.stack([normalize_map(map, mode) for map in maps]))


def test_integer_and_boolean_maps():
    """Whole numbers and masks are taken as numbers: no integer division."""
    np.testing.assert_array_equal(normalize_map(np.array([[1, 2], [-4, 0]]), "symmetric"), [[0.25, 0.5], [-1, 0]])
    np.testing.assert_array_equal(normalize_map(np.array([[True, False]]), "relu"), [[1, 0]])


def test_an_unknown_mode_lists_the_modes():
    """The error for an unknown mode names all four."""
    with pytest.raises(MapError, match="'minmax': choose one of relu, symmetric, max, none"):
        normalize_map(np.ones((2, 2)), "minmax")


@pytest.mark.parametrize("step", [
    lambda map: normalize_map(map, "relu"), lambda map: normalize_map(map, "none"), lambda map: resize_map(map, 4),
    colorize, lambda map: overlay(np.ones((8, 8, 3)), map),
], ids=["relu", "none", "resize", "colorize", "overlay"])
@pytest.mark.parametrize("bad", [
    np.ones(4), np.ones((1, 2, 2, 1)), np.ones((0, 3)), np.full((2, 2), np.nan), np.array([[0, np.inf]]),
    np.full((2, 2), "x"), np.ones((2, 2), complex),
], ids=["1 axis", "4 axes", "empty", "NaN", "infinity", "text", "complex"])
def test_what_is_no_map(step, bad):
    """Every step on maps refuses the wrong shape, NaN, infinity and what is no number, with a MapError."""
    with pytest.raises(MapError, match="expected"):
        step(bad)


# -- resize_map --------------------------------------------------------------------------------------


def bilinear(map, height, width):
    """Bilinear resize with half-pixel centres, written here from its definition."""
    for axis, new in enumerate((height, width)):
        old = map.shape[axis]
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(map.ndim)])
        map = (1 - part) * map.take(low, axis) + part * map.take(high, axis)
    return map


SIZES = [(96, 96), (7, 40), (12, 10), (3, 2), (6, 5), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
def test_resizing_is_bilinear_with_half_pixel_centers(size):
    """It equals the definition, growing, shrinking or both; signed values stay signed."""
    map = signed_maps(6, 5)
    np.testing.assert_allclose(resize_map(map, size), bilinear(map, *size), atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_resizing_is_linear(size):
    """resize(a·x + b·y) = a·resize(x) + b·resize(y): so weighting before or after resizing is the same."""
    x, y = signed_maps(2, 6, 5)
    both = resize_map(2.5 * x - 0.7 * y, size)
    np.testing.assert_allclose(both, 2.5 * resize_map(x, size) - 0.7 * resize_map(y, size), atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_stays_constant(size):
    """A flat map stays flat, at its own value."""
    np.testing.assert_allclose(resize_map(np.full((6, 5), -3.25), size), np.full(size, -3.25), rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_flipping_before_is_flipping_after(size):
    """Mirrored maps resize to mirrored maps: the grid is not shifted to one side."""
    map = signed_maps(6, 5)
    for flip in (np.flipud, np.fliplr):
        np.testing.assert_allclose(resize_map(flip(map), size), flip(resize_map(map, size)), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_resized_map_by_map(dtype):
    """A batch gives each map's own result; dtype kept, input unchanged; a number means a square."""
    maps = signed_maps(4, 6, 5).astype(dtype)
    before = maps.copy()
    resized = resize_map(maps, 13)
    assert resized.shape == (4, 13, 13) and resized.dtype == dtype
    np.testing.assert_array_equal(resized, np.stack([resize_map(map, (13, 13)) for map in maps]))
    np.testing.assert_array_equal(maps, before)


def test_the_same_size_gives_a_copy():
    """Resized to its own size a map is the same numbers in new memory."""
    map = signed_maps(6, 5)
    same = resize_map(map, map.shape)
    np.testing.assert_array_equal(same, map)
    assert not np.shares_memory(same, map)


# -- colorize ----------------------------------------------------------------------------------------


def lightness(colors):
    """Perceived lightness L* of colours (..., 3)."""
    return rgb2lab(colors)[..., 0]


def test_more_is_lighter():
    """With the default colours each of the 256 steps up is lighter, from nearly black to nearly white."""
    light = lightness(colorize(np.linspace(0, 1, 256)[None])[0].astype(float))
    assert (np.diff(light) > 0).all() and light[0] < 5 and light[-1] > 95


def test_zero_is_neutral_and_the_signs_differ():
    """Signed: zero is near white and the lightest; below it is blue, above it red, darkening evenly on both sides."""
    colors = colorize(np.linspace(-1, 1, 41)[None], signed=True)[0].astype(float)
    assert np.ptp(colors[20]) < 0.02 and lightness(colors).argmax() == 20
    assert (np.diff(lightness(colors))[:20] > 0).all() and (np.diff(lightness(colors))[20:] < 0).all()
    assert (colors[:18, 2] > colors[:18, 0]).all() and (colors[23:, 0] > colors[23:, 2]).all()
    np.testing.assert_allclose(lightness(colors), lightness(colors)[::-1], atol=6)


def test_colors_come_as_red_green_blue():
    """float32 RGB in 0..1 without alpha, the ends of the colour map at the ends of the range, input unchanged."""
    map = np.random.default_rng(4).random((5, 7))
    before = map.copy()
    colors = colorize(map)
    assert colors.shape == (5, 7, 3) and colors.dtype == np.float32
    assert colors.min() >= 0 and colors.max() <= 1
    np.testing.assert_array_equal(map, before)
    np.testing.assert_allclose(colorize(np.array([[0.0, 1.0]]), "gray"), [[[0] * 3, [1] * 3]], atol=1e-6)
    assert colorize(np.array([[1.0]]), signed=True)[0, 0].argmax() == 0


@pytest.mark.parametrize("low, high, signed, mode", [
    (-0.1, 1, False, "relu"), (0, 1.1, False, "relu"), (-1.1, 0, True, "symmetric"), (0, 255, True, "symmetric"),
])
def test_an_unnormalized_map_is_refused(low, high, signed, mode):
    """Values out of range: the error shows them and the call that helps; nothing is clipped in silence."""
    map = np.array([[low, high]], np.float64)
    for step in (colorize, lambda *a, **k: overlay(np.ones((1, 1, 3)), *a, **k)):  # also where resizing would hide it
        with pytest.raises(MapError, match=f"normalize first: .*{mode}"):
            step(map, signed=signed)
    assert colorize(normalize_map(map, mode), signed=signed).shape == (1, 2, 3)


def test_rounding_is_forgiven():
    """A value a rounding error outside counts as the end of the range."""
    np.testing.assert_array_equal(colorize(np.array([[-1e-7, 1 + 1e-7]])), colorize(np.array([[0.0, 1.0]])))


@pytest.mark.parametrize("name", images.RAINBOWS)
def test_rainbows_are_refused_for_a_reason(name):
    """Rainbow maps (and reversed) are refused; measured, their lightness goes up and down, inferno's does not."""
    for cmap in (name, name + "_r"):
        with pytest.raises(MapError, match=f"'{cmap}'.*lightness.*'inferno'"):
            colorize(np.ones((2, 2)), cmap)
    steps = np.diff(lightness(images.colormaps[name](np.linspace(0, 1, 65))[:, :3]))
    assert (steps > 0).any() and (steps < 0).any()


def test_an_unknown_color_map_gets_near_names():
    """A misspelt colour map: the error offers the right spelling."""
    with pytest.raises(MapError, match="'virdis'.*Did you mean.*'viridis'"):
        colorize(np.ones((2, 2)), "virdis")


# -- overlay -----------------------------------------------------------------------------------------


PHOTO = data.chelsea()[:60, :90].astype(np.float32) / 255


@pytest.mark.parametrize("signed", [False, True])
def test_alpha_goes_from_image_to_colors(signed):
    """alpha 0 is the image, alpha 1 the colours of the resized map, between them the straight line."""
    map = normalize_map(signed_maps(4, 6), "symmetric" if signed else "relu")
    image, before = PHOTO.copy(), map.copy()
    colors = colorize(resize_map(map, (60, 90)), signed=signed)
    np.testing.assert_array_equal(overlay(image, map, 0, signed=signed), PHOTO)
    np.testing.assert_array_equal(overlay(image, map, 1, signed=signed), colors)
    for alpha in (0.5, 0.3, np.float64(0.3)):
        mixed = overlay(image, map, alpha, signed=signed)
        assert mixed.dtype == np.float32 and mixed.shape == PHOTO.shape
        np.testing.assert_allclose(mixed, (1 - alpha) * PHOTO + alpha * colors, atol=1e-6)
    np.testing.assert_array_equal(overlay(image, map, signed=signed), overlay(image, map, 0.5, signed=signed))
    grays = colorize(resize_map(map, (60, 90)), "gray", signed)
    np.testing.assert_array_equal(overlay(image, map, 1, "gray", signed), grays)
    np.testing.assert_array_equal(image, PHOTO)
    np.testing.assert_array_equal(map, before)


def test_numbers_are_resized_and_then_colored():
    """Every colour of an overlay is on the colour map; colouring first and resizing the colours leaves it."""
    map = np.array([[0.0, 1.0], [1.0, 0.0]])
    colors = overlay(np.ones((40, 60, 3)), map, 1).reshape(-1, 3)
    scale = images.colormaps["inferno"](np.arange(256))[:, :3].astype(np.float32)
    assert {tuple(c) for c in colors} <= {tuple(c) for c in scale}


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_an_overlay_stays_in_range(alpha):
    """White (even a rounding error too white), black and a photograph under any map stay in 0..1."""
    map = normalize_map(signed_maps(4, 6), "relu")
    for image in (np.ones((20, 30, 3)), np.full((20, 30, 3), 1 + 5e-7), np.zeros((20, 30, 3)), PHOTO):
        mixed = overlay(image, map, alpha, "gray")
        assert mixed.min() >= 0 and mixed.max() <= 1


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (31, 96)])
def test_the_peak_stays_where_it_is(shape):
    """On a picture that is not square the lightest spot lies on the cell with the map's maximum."""
    for row, column in ((0, 5), (3, 1), (2, 4)):
        map = np.zeros((4, 6))
        map[row, column] = 1
        light = lightness(overlay(np.zeros((*shape, 3)), map, 1).astype(float))
        y, x = np.argwhere(light > light.max() - 1e-3).mean(0)
        assert int(y * 4 / shape[0]) == row and int(x * 6 / shape[1]) == column


def test_a_grey_image_is_overlaid_too():
    """An image with one channel counts as grey."""
    np.testing.assert_array_equal(overlay(np.full((8, 9, 1), 0.25), np.ones((2, 3)), 0), np.full((8, 9, 3), 0.25))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, 50, float("nan")])
def test_alpha_outside_its_range(alpha):
    """An alpha outside 0..1 is refused."""
    with pytest.raises(ImageError, match="alpha is between 0"):
        overlay(PHOTO, np.ones((2, 2)), alpha)


@pytest.mark.parametrize("image, words", [
    (data.chelsea(), "in 0..1, got .*231: .*divide bytes by 255"), (PHOTO - 0.5, "before the network's preprocessing"),
    (PHOTO[None], r"a batch \(1, 60, 90, 3\): write images\[0\]"), (np.ones((4, 4, 2)), "3 channels"),
], ids=["bytes", "preprocessed", "a batch", "two channels"])
def test_what_cannot_be_overlaid(image, words):
    """Bytes, preprocessed images, batches and odd channels: each gets its own advice."""
    with pytest.raises(ImageError, match=words):
        overlay(image, np.ones((2, 2)))


def test_home_folder(tmp_path, monkeypatch):
    """A path that starts with ~ lies in the reader's home folder."""
    Image.new("RGB", (2, 1), (255, 0, 0)).save(tmp_path / "cat.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_image("~/cat.png").shape == (1, 2, 3)
