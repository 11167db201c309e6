"""Whole backbones against the same networks in PyTorch: forward and backward, same random weights."""

from collections import OrderedDict

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.imaging import read_image

torch = pytest.importorskip("torch")
nn = torch.nn


def fully_connected(inputs, widths):
    layers = [("flatten", nn.Flatten())]
    for number, (size_in, size_out) in enumerate([(inputs, widths[0]), widths], start=6):
        layers += [(f"fc{number}", nn.Linear(size_in, size_out)), (f"relu{number}", nn.ReLU())]
    return layers


def tiny(widths=(128, 128)):
    layers = []
    for number, (size_in, size_out) in enumerate([(3, 16), (16, 32), (32, 64), (64, 64)], start=1):
        layers += [
            (f"conv{number}", nn.Conv2d(size_in, size_out, 3, padding=1)),
            (f"relu{number}", nn.ReLU()),
        ]
        if number != 3:
            layers.append((f"pool{number}", nn.MaxPool2d(2)))
    return nn.Sequential(OrderedDict(layers + fully_connected(64 * 36, widths)))


def alexnet(widths, dropout):
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 96, 11, 4),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, 2),
            norm1=nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, 2),
            norm2=nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
            **dict(fully_connected(9216, widths)),
        )
    )


def alexnet_torchvision(widths, dropout):
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 64, 11, 4, 2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(64, 192, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(192, 384, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(384, 256, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(256, 256, 3, padding=1),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
            **dict(fully_connected(9216, widths)),
        )
    )


def vgg16(widths, dropout, roi_size):
    layers, channels = [], 3
    for stage, outputs in enumerate([(64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3], start=1):
        for number, width in enumerate(outputs, start=1):
            layers.append((f"conv{stage}_{number}", nn.Conv2d(channels, width, 3, padding=1)))
            layers.append((f"relu{stage}_{number}", nn.ReLU()))
            channels = width
        layers.append((f"pool{stage}", nn.MaxPool2d(2)))
    return nn.Sequential(OrderedDict(layers + fully_connected(512 * roi_size**2, widths)))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(inputs, squeeze, 1)
        self.expand = nn.ModuleDict(
            {
                "expand1x1": nn.Conv2d(squeeze, expand, 1),
                "expand3x3": nn.Conv2d(squeeze, expand, 3, padding=1),
            }
        )

    def forward(self, x):
        x = self.squeeze1x1(x).relu()
        return torch.cat([self.expand["expand1x1"](x).relu(), self.expand["expand3x3"](x).relu()], dim=1)


FIRES = {
    "fire2": (16, 64), "fire3": (16, 64), "fire4": (32, 128), "fire5": (32, 128),
    "fire6": (48, 192), "fire7": (48, 192), "fire8": (64, 256), "fire9": (64, 256),
}  # fmt: skip


def squeezenet(conv1, pool_after):
    layers, channels = [("conv1", conv1), ("relu1", nn.ReLU())], conv1.out_channels
    layers.append(("pool1", nn.MaxPool2d(3, 2, ceil_mode=True)))
    for name, (squeeze, expand) in FIRES.items():
        layers.append((name, Fire(channels, squeeze, expand)))
        channels = 2 * expand
        if name in pool_after:
            layers.append((f"pool_{name}", nn.MaxPool2d(3, 2, ceil_mode=True)))
    return nn.Sequential(OrderedDict([*layers, ("average", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten())]))


TWINS = {
    "tiny": tiny,
    "alexnet": alexnet,
    "alexnet_torchvision": alexnet_torchvision,
    "vgg16": vgg16,
    "squeezenet1_0": lambda: squeezenet(nn.Conv2d(3, 96, 7, 2), ("fire4", "fire8")),
    "squeezenet1_1": lambda: squeezenet(nn.Conv2d(3, 64, 3, 2), ("fire3", "fire5")),
}


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("tiny", {}, 48),
        ("alexnet", {"widths": (64, 48), "dropout": 0.0}, 227),
        ("alexnet_torchvision", {"widths": (64, 48), "dropout": 0.0}, 224),
        ("vgg16", {"widths": (64, 48), "dropout": 0.0, "roi_size": 2}, 64),
        ("squeezenet1_0", {}, 95),
        ("squeezenet1_1", {}, 96),
    ],
)
def test_forward_and_backward_equal_pytorch(rng, name, options, size):
    net = build_backbone(name, rng=rng, **options)
    for _, parameter in net.named_parameters():
        if parameter.data.ndim == 1:  # biases start at zero, where a mistake would not show
            parameter.data += 0.1 * rng.normal(size=parameter.data.shape).astype(np.float32)
    x = 50 * rng.normal(size=(2, 3, size, size)).astype(np.float32)
    net.eval()
    y_single = net.forward(x)
    for part in net.parts():
        part.astype(np.float64)  # in float32 a rounding error may switch a unit on, and change gradients
    twin = TWINS[name](**options).double()
    twin.load_state_dict({n: torch.tensor(np.array(p.data)) for n, p in net.named_parameters()})
    x_torch = torch.tensor(x.astype(np.float64), requires_grad=True)
    y_torch = twin(x_torch)
    dy = rng.normal(size=y_single.shape)
    y_torch.backward(torch.tensor(dy))
    net.train()
    y = net.forward(x.astype(np.float64))
    dx = net.features.backward(net.last_pool.backward(net.head.backward(dy)))

    def close(ours, theirs, tolerance=1e-10):
        theirs = theirs.detach().numpy()
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()

    close(y_single, y_torch, 1e-5)
    close(y, y_torch)
    close(dx, x_torch.grad)
    theirs = dict(twin.named_parameters())
    for key, parameter in net.named_parameters():
        close(parameter.grad, theirs[key].grad)


@pytest.mark.parametrize(
    ("name", "file", "sizes"),
    [
        ("alexnet_torchvision", "alexnet_tv_conv_fp16.npz", [(224, 224), (333, 500)]),
        ("vgg16", "vgg16_tv_conv_fp16.npz", [(160, 208)]),
    ],
)
def test_published_convolutions_give_pytorchs_maps(shared_data, name, file, sizes):
    path = shared_data / "weights" / file
    widths = {"widths": (4, 4), "dropout": 0.0}
    net = build_backbone(name, weights=path, rng=np.random.default_rng(0), **widths)
    net.eval()
    assert net.normalization.channel_order == "rgb"
    options = widths | ({"roi_size": 7} if name == "vgg16" else {})
    twin = TWINS[name](**options)
    twin.load_state_dict({n: torch.tensor(np.array(p.data)) for n, p in net.named_parameters()})
    with np.load(path) as stored:  # not what was loaded, but what is in the file
        for layer, values in stored.items():
            module, kind = layer.split(".")
            np.testing.assert_array_equal(
                getattr(getattr(twin, module), kind).detach().numpy(), values.astype(np.float32)
            )
    image = read_image(shared_data / "demo_voc2007" / "JPEGImages" / "000004.jpg")
    convolutions = twin[: [n for n, _ in twin.named_children()].index("pool5")].double()
    for height, width in sizes:
        x = net.normalization.apply(image[:height, :width])
        with torch.no_grad():
            theirs = convolutions(torch.tensor(np.ascontiguousarray(x)).double()).numpy()
        ours = net.features.forward(x)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_files_written_by_pytorch_are_read_without_it(tmp_path, zipped):
    from minircnn.backbones import read_weights

    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    expected = {
        "float": base,
        "half": base.half(),
        "brain": base.bfloat16(),
        "transposed": base.T,
        "part": base[1:3, 2:5],
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base + 1),
    }
    for content in (expected, {"state_dict": expected, "epoch": 3}):
        path = tmp_path / "w.pth"
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        read = read_weights(path)
        assert read.keys() == expected.keys()
        for name, tensor in expected.items():
            np.testing.assert_array_equal(read[name], tensor.detach().float().numpy())


def test_torchvision_names_load_and_choose_the_input(tmp_path, rng):
    ours = build_backbone("squeezenet1_0", rng=rng)
    numbers = dict(zip(range(2, 10), (3, 4, 5, 7, 8, 9, 10, 12), strict=True))
    theirs = {}
    for name, parameter in ours.named_parameters():
        layer, *rest = name.split(".")
        index = 0 if layer == "conv1" else numbers[int(layer[4:])]
        rest = [part.replace("squeeze1x1", "squeeze") for part in rest if part != "expand"]
        theirs[".".join(["features", str(index), *rest])] = torch.tensor(np.array(parameter.data))
    theirs["classifier.1.weight"] = torch.zeros(1000, 512, 1, 1)
    torch.save(theirs, tmp_path / "sq.pth")
    loaded = build_backbone("squeezenet1_0", weights=tmp_path / "sq.pth")
    assert loaded.normalization.channel_order == "rgb"
    assert loaded.options["normalization"] == "torchvision"
    for (name, a), (_, b) in zip(ours.named_parameters(), loaded.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data, err_msg=name)
