import numpy as np
import pytest
from PIL import Image

from minircnn.imaging import ImageError, read_image, write_image


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
    for path, image in [
        ("a.png", photo / 255),
        ("a.png", photo[0, 0]),
        ("a.xyz", photo),
        ("no/such/a.png", photo),
    ]:
        with pytest.raises(ImageError, match="a\\."):
            write_image(tmp_path / path, image)
