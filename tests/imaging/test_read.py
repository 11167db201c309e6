import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from minircnn.imaging import PHOTO_ENDINGS, ImageError, read_header, read_image, write_image


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_png_round_trip(photo, tmp_path):
    write_image(tmp_path / "a.png", photo)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), photo)
    assert read_image(str(tmp_path / "a.png")).dtype == np.uint8


def test_exif_orientation_is_applied(photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn clockwise to show
    Image.fromarray(photo).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(photo, -1))


def test_grey_is_repeated(photo, tmp_path):
    write_image(tmp_path / "a.png", photo[:, :, 0])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(photo[:, :, :1], 3, axis=2))


def test_sixteen_bit_grey_keeps_upper_byte(photo, tmp_path):
    deep = photo[:, :, 0].astype(np.uint16) * 256 + 17
    Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[:, :, 1], photo[:, :, 0])


def test_transparent_is_laid_over_white(photo, tmp_path):
    rgba = np.dstack([photo, np.where(np.arange(7) < 3, 0, 255).astype(np.uint8) * np.ones((5, 1), np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert (read[:, :3] == 255).all()
    np.testing.assert_array_equal(read[:, 3:], photo[:, 3:])


def test_palette_and_bilevel(photo, tmp_path):
    Image.fromarray(photo).convert("P").save(tmp_path / "a.gif")
    assert read_image(tmp_path / "a.gif").shape == photo.shape
    Image.fromarray(photo[:, :, 0] > 128).save(tmp_path / "b.png")
    assert set(np.unique(read_image(tmp_path / "b.png"))) <= {0, 255}


def test_damage_is_reported_with_the_file_name(photo, tmp_path):
    write_image(tmp_path / "whole.png", photo)
    write_image(tmp_path / "whole.jpg", np.tile(photo, (20, 20, 1)))
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-2000])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("cut.png", "cut.jpg", "text.jpg", "empty.jpg", "missing.jpg", "."):
        with pytest.raises(ImageError) as report:
            read_image(tmp_path / name)
        assert str(tmp_path / name) in str(report.value)


def test_write_refuses_what_is_no_image(photo, tmp_path):
    (tmp_path / "whole.txt").write_text("a file, not a folder")
    for path, image in [
        ("a.png", photo / 255),
        ("a.png", photo[0, 0]),
        ("a.xyz", photo),
        ("whole.txt/a.png", photo),
    ]:
        with pytest.raises(ImageError, match="a\\."):
            write_image(tmp_path / path, image)


def save_turned(path, photo, orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(photo).save(path, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_the_header_knows_the_size_that_is_read(photo, tmp_path, ending, orientation):
    path = tmp_path / f"a.{ending}"
    save_turned(path, photo, orientation)
    header = read_header(path)
    assert (header.height, header.width) == read_image(path).shape[:2]
    assert header.turned == (orientation >= 5)
    assert header.orientation == orientation


def test_an_orientation_behind_the_pixels_of_a_png_counts(photo, tmp_path):
    path = tmp_path / "late.png"
    write_image(path, photo)
    exif = Image.Exif()
    exif[0x0112] = 6
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = len(body).to_bytes(4, "big") + b"eXIf" + body + zlib.crc32(b"eXIf" + body).to_bytes(4, "big")
    whole = path.read_bytes()
    path.write_bytes(whole[:-12] + chunk + whole[-12:])  # before IEND
    assert read_image(path).shape == (7, 5, 3)
    assert (read_header(path).height, read_header(path).width) == (7, 5)


def test_floating_point_is_taken_from_0_to_1(photo, tmp_path):
    grey = photo[:, :, 0]
    Image.fromarray((grey / 255).astype(np.float32)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[:, :, 0], grey)


@pytest.mark.parametrize(
    "values", [[-0.1, 1.0], [0.0, 255.0], [0.0, np.nan], [0.0, np.inf]], ids=["negative", "255", "nan", "inf"]
)
def test_other_floating_point_is_refused(values, tmp_path):
    Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match=r"a\.tif.*save it in 8 bits"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("value", [-1, 70_000, 2**31 - 1])
def test_more_than_16_bits_are_refused(value, tmp_path):
    Image.fromarray(np.array([[0, value]], dtype=np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match=r"a\.tif.*save it in 8 bits"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "payload", "said"),
    [
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        ("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        ("drawing.png", b"<?xml version='1.0'?><svg/>", "export it as PNG"),
        ("empty.jpg", b"", "empty"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
        ("a.png", b"\n<!DOCTYPE html><html>not found", "download the photo again"),
        ("raw.dng", b"II*\0", "raw"),
        ("raw.NEF", b"II*\0", "raw"),
    ],
)
def test_what_is_no_photo_is_called_by_its_name(name, payload, said, tmp_path):
    (tmp_path / name).write_bytes(payload)
    for read in (read_image, read_header):
        with pytest.raises(ImageError, match=f"{name}.*{said}"):
            read(tmp_path / name)


def test_a_photo_of_a_hundred_million_pixels_is_no_bomb_and_of_two_hundred_too_large(tmp_path):
    for name, width in (("a.png", 12_000), ("b.png", 20_000)):
        Image.new("1", (8, 1)).save(tmp_path / name)
        payload = bytearray((tmp_path / name).read_bytes())
        payload[16:24] = struct.pack(">II", width, 9000)
        payload[29:33] = struct.pack(">I", zlib.crc32(payload[12:29]))
        (tmp_path / name).write_bytes(payload)
    assert read_header(tmp_path / "a.png").width == 12_000
    with pytest.raises(ImageError, match=r"b\.png: has more than 178 million pixels; make it smaller"):
        read_header(tmp_path / "b.png")


def test_pipes_and_links_to_nowhere_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    for name, said in (("pipe.jpg", "pipe"), ("link.jpg", "leads nowhere")):
        with pytest.raises(ImageError, match=f"{name}.*{said}"):
            read_image(tmp_path / name)


def read_or_error(path):
    try:
        return read_image(path)
    except ImageError as error:
        return error


def test_damaged_bytes_give_an_image_or_an_image_error(tmp_path, rng):
    photo = rng.integers(0, 256, (24, 20, 3), dtype=np.uint8)
    for ending in ("jpg", "png", "gif", "tif", "bmp", "webp", "ppm"):
        path = tmp_path / f"a.{ending}"
        Image.fromarray(photo).save(path)
        whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        for _ in range(40):
            damaged = whole.copy()
            damaged[rng.integers(len(whole), size=4)] = rng.integers(0, 256, 4)
            path.write_bytes(damaged.tobytes())
            outcome = read_or_error(path)
            assert path.name in str(outcome) if isinstance(outcome, ImageError) else outcome.ndim == 3


def test_a_photo_of_every_ending_is_read(photo, tmp_path):
    writable = Image.registered_extensions()
    for ending in sorted(writable.keys() & {*PHOTO_ENDINGS}):
        write_image(tmp_path / f"a{ending}", photo)
        assert read_image(tmp_path / f"a{ending}").shape == photo.shape
    assert {".jfif", ".jpe", ".gif", ".ppm"} <= writable.keys()


@pytest.mark.parametrize("kind", ["long", "rational"])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_an_orientation_of_any_type_of_number_counts_in_size_and_pixels(photo, tmp_path, ending, kind):
    long, rational = b"\4\0\1\0\0\0\6\0\0\0", b"\5\0\1\0\0\0\x1a\0\0\0"
    entry = b"\x12\1" + (rational if kind == "rational" else long)
    exif = b"Exif\0\0II*\0\x08\0\0\0\1\0" + entry + b"\0\0\0\0" + b"\6\0\0\0\1\0\0\0"
    Image.fromarray(photo).save(tmp_path / f"a.{ending}", exif=exif)
    header = read_header(tmp_path / f"a.{ending}")
    assert (header.height, header.width) == (7, 5) == read_image(tmp_path / f"a.{ending}").shape[:2]


def test_odd_metadata_warns_of_nothing_in_any_number_of_threads(photo, tmp_path):
    before = list(warnings.filters)
    # of an EXIF that ends early and one with two orientations Pillow warns, here an error
    for name, exif in (("a", b"II*\0\xff\0\0\0"), ("b", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\2\0\0\0\6\0\6\0")):
        Image.fromarray(photo).save(tmp_path / f"{name}.png", exif=b"Exif\0\0" + exif)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_image, [tmp_path / "a.png", tmp_path / "b.png"] * 50))
    assert {image.shape for image in found} <= {(5, 7, 3), (7, 5, 3)}
    assert warnings.filters == before


def test_the_transparent_value_of_16_bit_grey_is_white(tmp_path):
    deep = np.array([[300, 40_000], [50_000, 300]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png", transparency=300)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[:, :, 0], [[255, 156], [195, 255]])
