"""Which pixels weights want: noted, told by the form, or asked for; never guessed."""

import json
import logging

import numpy as np
import pytest

from minircnn.backbones import BACKBONES, ORIGINS, Normalization, WeightsError, build_backbone, load_weights
from minircnn.backbones.converting import convert_weights, the_backbone_for
from minircnn.backbones.normalization import CAFFE, TORCHVISION
from minircnn.weights import open_weights, write_weights

OWN = Normalization("bgr", 0.5, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
VGG = {"widths": (8, 8), "roi_size": 1}


def arrays_of(backbone):
    return {name: np.array(parameter.data) for name, parameter in backbone.named_parameters()}


@pytest.fixture
def unsaid(tmp_path, rng):
    """A file of SqueezeNet's weights that says nothing of its pixels."""
    np.savez(tmp_path / "w.npz", **arrays_of(build_backbone("squeezenet1_1", rng=rng)))
    return tmp_path / "w.npz"


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1", "vgg16"])
def test_unknown_weights_are_not_guessed(tmp_path, rng, name):
    options = VGG if name == "vgg16" else {}
    np.savez(tmp_path / "w.npz", **arrays_of(build_backbone(name, rng=rng, **options)))
    with pytest.raises(WeightsError) as caught:
        build_backbone(name, weights=tmp_path / "w.npz", **options)
    for origin in ("caffe", "torchvision"):
        call = f"'minircnn weights import {tmp_path}/w.npz --backbone {name} --input {origin}'"
        assert call in str(caught.value)
        made = build_backbone(name, weights=tmp_path / "w.npz", normalization=origin, **options)
        assert made.options["normalization"] == origin
    assert "BGR 0..255 minus 10" in str(caught.value)
    assert "RGB 0..1 minus 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225" in str(caught.value)


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("origin", ["caffe", "torchvision"])
def test_what_is_noted_is_used(unsaid, tmp_path, origin, ending):
    out = tmp_path / f"out.{ending}"
    noted = convert_weights(open_weights(unsaid), "squeezenet1_1", out, origin=origin)
    made = build_backbone("squeezenet1_1", weights=out)
    assert made.normalization == noted
    assert made.options["normalization"] == origin
    assert build_backbone("squeezenet1_1", weights=out, normalization=noted).normalization == noted
    other = {"caffe": "torchvision", "torchvision": "caffe"}[origin]
    for wrong in (other, OWN, {"scale": 2.0}):
        with pytest.raises(
            WeightsError, match=r"its weights want .*, as the file says, but the backbone gives"
        ):
            build_backbone("squeezenet1_1", weights=out, normalization=wrong)
    with pytest.raises(WeightsError, match="as the file says"):
        load_weights(build_backbone("squeezenet1_1", normalization=other), out)
    with pytest.raises(WeightsError, match=f"as the file says, not {other}'s input"):
        convert_weights(open_weights(out), "squeezenet1_1", tmp_path / "again.npz", origin=other)


@pytest.mark.parametrize(
    ("name", "options"), [("tiny", {}), ("squeezenet1_1", {}), ("alexnet", {"widths": (8, 8)})]
)
def test_any_input_can_be_noted_and_kept(tmp_path, rng, name, options):
    fields = {"channel_order": "bgr", "scale": 0.5, "mean": [1, 2, 3], "std": [4, 5, 6]}
    arrays = arrays_of(build_backbone(name, rng=rng, **options))
    path = write_weights(tmp_path / "w.npz", arrays, {"backbone": name, "normalization": fields})
    made = build_backbone(name, weights=path, **options)
    assert made.normalization == OWN
    again = build_backbone(made.name, **json.loads(json.dumps(made.options)))
    assert again.normalization == OWN
    assert again.options.keys() == made.options.keys()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            {"backbone": "vgg16", "normalization": {}},
            "holds weights for the backbone 'vgg16', not for squeezenet1_1",
        ),
        ({"backbone": "squeezenet1_1"}, "what it says of its input is damaged"),
        ({"backbone": "squeezenet1_1", "normalization": {"scale": 0}}, r"damaged \(scale must be"),
        ({"backbone": "squeezenet1_1", "normalization": {"scale": "x"}}, r"damaged \(scale must be"),
        ({"backbone": "squeezenet1_1", "normalization": {"mean": [1, 2]}}, "damaged"),
        ({"backbone": "squeezenet1_1", "normalization": {"mean": [1, 2], "std": [1, 1]}}, "three channels"),
        ({"backbone": "squeezenet1_1", "normalization": {"mean": 5}}, "damaged"),
        ({"backbone": "squeezenet1_1", "normalization": {"gamma": 1}}, "no field 'gamma'"),
        ({"backbone": "squeezenet1_1", "normalization": {"channel_order": "grb"}}, "must be rgb or bgr"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(unsaid, tmp_path, record, words):
    path = write_weights(tmp_path / "w.safetensors", open_weights(unsaid).arrays, record)
    with pytest.raises(WeightsError, match=rf"w\.safetensors: .*{words}"):
        build_backbone("squeezenet1_1", weights=path)


def test_where_there_is_one_input_it_is_taken(tmp_path, rng, caplog):
    expected = {
        "alexnet": CAFFE,
        "alexnet_torchvision": TORCHVISION,
        "tiny": BACKBONES["tiny"]().normalization,
    }
    for name, normalization in expected.items():
        np.savez(tmp_path / "w.npz", **arrays_of(build_backbone(name, rng=rng, widths=(8, 8))))
        with caplog.at_level(logging.INFO, "minircnn"):
            made = build_backbone(name, weights=tmp_path / "w.npz", widths=(8, 8))
        assert made.normalization == normalization
        out = tmp_path / "out.npz"
        assert convert_weights(open_weights(tmp_path / "w.npz"), name, out) == normalization
    assert not any("photos become" in message for message in caplog.messages)


def test_torchvisions_names_imply_its_input_unless_somebody_knows_better(tmp_path, rng, caplog):
    numbered = {
        here: there for there, here in ORIGINS["squeezenet1_0"].names.items() if there.startswith("features")
    }
    arrays = {}
    for name, values in arrays_of(build_backbone("squeezenet1_0", rng=rng)).items():
        layer, _, kind = name.rpartition(".")
        arrays[f"{numbered[layer]}.{kind}"] = values
    np.savez(tmp_path / "w.npz", **arrays)
    with caplog.at_level(logging.INFO, "minircnn"):
        made = build_backbone("squeezenet1_0", weights=tmp_path / "w.npz")
    assert made.options["normalization"] == "torchvision"
    assert caplog.messages == [
        f"{tmp_path}/w.npz: the photos become {TORCHVISION.words()}, as the layers have torchvision's names"
    ]
    other = build_backbone("squeezenet1_0", weights=tmp_path / "w.npz", normalization="caffe")
    assert other.normalization.channel_order == "bgr"


def test_an_input_that_a_backbone_does_not_have_is_refused(tmp_path, rng):
    np.savez(tmp_path / "w.npz", **arrays_of(build_backbone("alexnet", rng=rng, widths=(8, 8))))
    file = open_weights(tmp_path / "w.npz")
    with pytest.raises(WeightsError, match="alexnet has no input of torchvision; there is caffe"):
        convert_weights(file, "alexnet", tmp_path / "out.npz", origin="torchvision")


def test_half_precision_is_said_to_be_too_small(tmp_path, rng):
    arrays = arrays_of(build_backbone("alexnet", rng=rng, widths=(8, 8)))
    arrays["conv3.weight"][0, 0, 0, 0] = 1e5
    np.savez(tmp_path / "w.npz", **arrays)
    file = open_weights(tmp_path / "w.npz")
    with pytest.raises(WeightsError, match=r"'conv3\.weight' \(float32\) is not all finite float16"):
        convert_weights(file, "alexnet", tmp_path / "out.npz", half=True)
    assert not (tmp_path / "out.npz").exists()
    arrays["conv3.weight"][0, 0, 0, 0] = 1
    np.savez(tmp_path / "w.npz", **arrays)
    convert_weights(open_weights(tmp_path / "w.npz"), "alexnet", tmp_path / "out.npz", half=True)
    kept = open_weights(tmp_path / "out.npz").arrays
    assert {name.rpartition(".")[2]: a.dtype.name for name, a in kept.items()} == {
        "weight": "float16",
        "bias": "float32",
    }


def test_several_backbones_that_fit_are_named(tmp_path, rng, monkeypatch):
    monkeypatch.setitem(BACKBONES, "twin", BACKBONES["alexnet"])
    np.savez(tmp_path / "w.npz", **arrays_of(build_backbone("alexnet", rng=rng, widths=(8, 8))))
    with pytest.raises(WeightsError, match=r"fits the backbones alexnet, twin: name one of them"):
        the_backbone_for(open_weights(tmp_path / "w.npz"))


def test_what_is_no_number_is_not_looked_at(tmp_path, rng):
    arrays = arrays_of(build_backbone("squeezenet1_1", rng=rng)) | {
        "conv10.weight": np.full((2, 3, 1, 1), "x")
    }
    np.savez(tmp_path / "w.npz", **arrays)
    made = build_backbone("squeezenet1_1", weights=tmp_path / "w.npz", normalization="caffe")
    np.testing.assert_array_equal(made.features.conv1.bias.data, arrays["conv1.bias"])
    with pytest.raises(WeightsError, match=r"'conv10\.weight' \(<U1\) is not all finite"):
        convert_weights(open_weights(tmp_path / "w.npz"), "squeezenet1_1", tmp_path / "o.npz", origin="caffe")


@pytest.mark.parametrize("wrong", [5, {"scale": -1}, {"std": [1, 0, 1]}, {"unknown": 1}])
def test_an_impossible_input_is_refused(wrong):
    with pytest.raises(ValueError, match=r"normalization|scale|std"):
        build_backbone("tiny", normalization=wrong)
    with pytest.raises(TypeError, match="normalization"):
        build_backbone("tiny", normalization="caffe")
