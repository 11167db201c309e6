"""The user's own proof that a GPU is right: ``minircnn gradcheck --device cuda``."""

import json

import numpy as np

from minircnn import gradcheck
from minircnn.cli import gradient_cases, main
from minircnn.nn import Conv2d, Layer, Linear


def test_a_layer_is_checked_where_it_lives_and_its_input_is_left_alone(gpu, rng):
    layer = Conv2d(3, 4, 3, padding=1, rng=rng)
    layer.astype(np.float64)
    layer.to(gpu)
    host = rng.standard_normal((2, 3, 5, 6))
    x = gpu.asarray(host)
    report = gradcheck(layer, x, rng=rng, max_elements=10)
    assert report.ok
    assert [row.name for row in report.rows] == ["weight", "bias", "x"]
    np.testing.assert_array_equal(x.get(), host)


def test_a_wrong_gradient_is_found_on_a_gpu(gpu, rng):
    class Wrong(Linear):
        def backward(self, dy):
            return 1.01 * super().backward(dy)

    layer = Wrong(3, 2, rng=rng)
    layer.astype(np.float64)
    layer.to(gpu)
    report = gradcheck(layer, gpu.asarray(rng.standard_normal((4, 3))), rng=rng)
    assert [row.name for row in report.rows if row.max_error > report.tolerance] == ["x"]


def few(xp, rng, dtype=np.float64):
    """Yield the cheap parts only: the whole networks take the stand-in a minute."""
    for name, case in ALL(xp, rng, dtype):
        if name in ("Conv2d", "RoIPool", "smooth L1"):
            yield name, case


ALL = gradient_cases.cases_on


def test_the_command_compares_with_finite_differences_and_with_the_cpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr("minircnn.cli.gradcheck.cases_on", few)
    assert main(["gradcheck", "--device", "cuda", "--elements", "5", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ok"]
    kinds = [(part["part"], part["dtype"]) for part in result["from_cpu"]]
    assert kinds == [
        (part, kind) for kind in ("float64", "float32") for part in ("Conv2d", "RoIPool", "smooth L1")
    ]
    for part in result["from_cpu"]:
        assert 0 <= part["difference"] < (1e-12 if part["dtype"] == "float64" else 1e-5)


def test_the_command_names_a_part_that_differs_from_the_cpu(gpu, monkeypatch, capsys):
    class OtherOnAGPU(Layer):
        """Right in itself, but not the same function."""

        def forward(self, x):
            return (2.0 if isinstance(x, gpu.ndarray) else 1.0) * x

        def backward(self, dy):
            return (2.0 if isinstance(dy, gpu.ndarray) else 1.0) * dy

    def cases(xp, rng, dtype=np.float64):
        yield "twice", (OtherOnAGPU(), (xp.asarray(1e-9 * rng.standard_normal((2, 3)).astype(dtype)),))

    monkeypatch.setattr("minircnn.cli.gradcheck.cases_on", cases)
    assert main(["gradcheck", "--device", "cuda"]) == 1
    printed = capsys.readouterr().out
    assert "WRONG" in printed.partition("difference from the CPU")[2]
    assert "WRONG" not in printed.partition("difference from the CPU")[0]


def test_equal_generators_give_equal_parts_in_every_library(gpu):
    parts = [dict(gradient_cases.cases_on(xp, np.random.default_rng(3))) for xp in (np, gpu)]
    assert list(parts[0]) == list(parts[1])
    for (_, inputs), (_, others) in zip(*(part.values() for part in parts), strict=True):
        for x, other in zip(inputs, others, strict=True):
            np.testing.assert_array_equal(x, other.get())
