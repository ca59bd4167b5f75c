from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import chelsea
from tests.engine.colour_network import (
    ColourNetwork,
    colour_facts,
    colour_probabilities,
    painted,
    patches,
)

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.runtime.network import DeviceMemoryError
from napari_edgeflow.engine.segmentation.segmenter import (
    DEFAULT_SEMANTIC_MODEL,
    PredictSettings,
    SemanticSegmenter,
)

NEAR = PredictSettings(overlap=16)
CAT = 8


@pytest.fixture
def colours() -> ColourNetwork:
    return ColourNetwork()


@pytest.fixture
def segmenter(colours: ColourNetwork) -> SemanticSegmenter:
    return SemanticSegmenter(colours, colour_facts(), "colours")


def noise(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    "shape", [(64, 64), (32, 64), (150, 200), (65, 64), (64, 333), (700, 70)]
)
@pytest.mark.parametrize("overlap", [0, 16, 32])
def test_labels_follow_the_colours(
    segmenter: SemanticSegmenter, shape: tuple[int, int], overlap: int
) -> None:
    labels = patches(shape)
    found = segmenter.predict(painted(labels), PredictSettings(overlap=overlap))
    np.testing.assert_array_equal(found, labels)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("step", [1, 4])
def test_the_tile_size_changes_no_pixel(step: int) -> None:
    image = noise((200, 330, 3))
    results, most = [], []
    for size in (64, 128, 200, 512, 2048):
        network = ColourNetwork(step)
        segmenter = SemanticSegmenter(network, colour_facts())
        settings = PredictSettings(size, overlap=20, flip=True)
        strips = list(segmenter.strips(image, settings))
        labels = np.concatenate([s.labels for s in strips])
        results.append((labels, np.concatenate([s.confidence for s in strips])))
        most.append(max(shape[0] for shape in network.shapes))
    for labels, confidence in results[1:]:
        np.testing.assert_array_equal(labels, results[0][0])
        np.testing.assert_array_equal(confidence, results[0][1])
    # Eight tiles a row: the size says how many of them go through together.
    assert most == [1, 4, 8, 8, 8]


def test_no_more_windows_go_through_at_once_than_memory_allows() -> None:
    network = ColourNetwork()
    segmenter = SemanticSegmenter(network, colour_facts(window=32))
    segmenter.predict(noise((32, 32 * 100, 3)), PredictSettings(4096, overlap=0))
    assert network.shapes == [(64, 32, 32), (36, 32, 32)]


@pytest.mark.parametrize("settings", [NEAR, PredictSettings(overlap=30, flip=True)])
def test_strips_come_from_top_to_bottom(
    segmenter: SemanticSegmenter, settings: PredictSettings
) -> None:
    image = noise((700, 100, 3))
    top = 0
    for strip in segmenter.strips(image, settings):
        assert strip.top == top
        assert strip.labels.shape == strip.confidence.shape
        assert strip.labels.shape[1] == 100
        assert strip.confidence.dtype == np.float32
        top += len(strip.labels)
    assert top == 700


@pytest.mark.parametrize(
    ("settings", "looks"),
    [
        (NEAR, 1),
        (PredictSettings(overlap=16, flip=True), 2),
        (PredictSettings(overlap=16, scales=(0.5, 1.0, 1.5)), 3),
        (PredictSettings(overlap=16, flip=True, scales=(1.0, 2.0)), 4),
    ],
)
def test_progress_counts_the_calls_of_each_tile(
    segmenter: SemanticSegmenter,
    colours: ColourNetwork,
    settings: PredictSettings,
    looks: int,
) -> None:
    # Two rows of three tiles.
    strips = list(segmenter.strips(noise((100, 150, 3)), settings))
    assert {s.total for s in strips} == {6 * looks}
    done = [s.done for s in strips]
    assert done == sorted(done)
    assert done[-1] == 6 * looks
    assert sum(shape[0] for shape in colours.shapes) == 6 * looks
    assert done[0] < done[-1]


def test_a_closed_generator_asks_the_network_no_more(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    strips = segmenter.strips(noise((640, 640, 3)), PredictSettings(64, overlap=16))
    assert colours.calls == []
    next(strips)
    next(strips)
    calls = len(colours.calls)
    strips.close()
    assert calls == len(colours.calls) == 2


def test_rows_are_done_before_the_network_has_seen_the_rest(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    strips = segmenter.strips(noise((640, 64, 3)), NEAR)
    first = next(strip for strip in strips if len(strip.labels))
    assert len(colours.calls) == 1
    assert (first.top, len(first.labels), first.done, first.total) == (0, 48, 1, 13)


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("shape", [(100, 150), (300, 64), (50, 70), (1, 1)])
def test_labels_are_the_most_probable_classes(
    step: int, shape: tuple[int, int]
) -> None:
    facts = colour_facts((0, 5, 3, 9))
    segmenter = SemanticSegmenter(ColourNetwork(step), facts)
    image = noise((*shape, 3))
    settings = PredictSettings(overlap=20, flip=True, scales=(1.0, 0.5))
    probabilities = segmenter.predict_probabilities(image, settings)
    assert probabilities.shape == (4, *shape)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    strips = list(segmenter.strips(image, settings))
    confidence = np.concatenate([s.confidence for s in strips])
    np.testing.assert_allclose(confidence, probabilities.max(0), atol=1e-5)
    labels = segmenter.predict(image, settings)
    place = np.argsort(facts.class_ids)[
        np.searchsorted(np.sort(facts.class_ids), labels)
    ]
    chosen = np.take_along_axis(probabilities, place[None], 0)[0]
    np.testing.assert_allclose(chosen, probabilities.max(0), atol=1e-5)
    assert set(np.unique(labels)) <= set(facts.class_ids)


def test_probabilities_are_those_of_the_network(segmenter: SemanticSegmenter) -> None:
    image = noise((64, 32, 3))
    np.testing.assert_allclose(
        segmenter.predict_probabilities(image, NEAR),
        colour_probabilities(image[None])[0],
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("ids", "kind"),
    [((0, 3, 7, 8), np.uint8), ((9, 4, 0, 255), np.uint8), ((0, 1, 2, 256), np.uint16)],
)
def test_labels_are_the_ids_of_the_classes(ids: tuple[int, ...], kind: type) -> None:
    labels = patches((80, 100))
    # The first colour stands for the first id, whatever it is.
    facts = colour_facts(ids)
    segmenter = SemanticSegmenter(ColourNetwork(), facts)
    found = segmenter.predict(painted(labels), NEAR)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, np.array(ids)[labels])


def red_and_nothing(kind: str) -> NDArray[np.generic]:
    """Return an image of any kind: class 1 in its left half."""
    image = np.zeros((64, 64, 3), np.float64)
    image[:, :32, 0] = 1
    if kind == "rgba":
        opaque = np.full((64, 64, 1), 255, np.uint8)
        return np.concatenate([(image * 255).astype(np.uint8), opaque], axis=2)
    if kind == "uint16":
        return (image * 40_000).astype(np.uint16)
    if kind == "bool":
        return image.astype(bool)
    if kind == "nan":
        return np.where(image > 0, 3.5, np.nan).astype(np.float32)
    return (image * 1e-3).astype(kind)


@pytest.mark.parametrize(
    "kind", ["float32", "float64", "float16", "uint16", "rgba", "bool"]
)
def test_images_of_any_type(segmenter: SemanticSegmenter, kind: str) -> None:
    labels = segmenter.predict(red_and_nothing(kind), NEAR)
    assert np.all(labels[:, :32] == 1)
    assert np.all(labels[:, 32:] == 0)


def test_grey_images_are_grey_to_the_network(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    grey = noise((64, 64))
    for image in (grey, grey[..., None]):
        colours.calls.clear()
        assert segmenter.predict(image, NEAR).shape == (64, 64)
        (seen,) = colours.calls
        np.testing.assert_array_equal(seen[0], np.repeat(grey[..., None], 3, axis=2))


def test_what_is_no_number_is_black(segmenter: SemanticSegmenter) -> None:
    image = noise((64, 64, 3)).astype(np.float32)
    image[:20] = np.nan
    strips = list(segmenter.strips(image, NEAR))
    assert np.all(np.concatenate([s.labels for s in strips])[:20] == 0)
    assert all(np.isfinite(s.confidence).all() for s in strips)
    nothing = np.full((40, 50), np.nan)
    assert not segmenter.predict(nothing, NEAR).any()


def test_the_smallest_image(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    green = np.array([[[0, 255, 0]]], np.uint8)
    assert segmenter.predict(green, NEAR).tolist() == [[2]]
    assert colours.shapes == [(1, 32, 32)]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5, 3), np.uint8), r"no pixels: its shape is \(0, 5, 3\)"),
        (np.zeros((5, 0), np.uint8), "no pixels"),
        (np.zeros((5, 5, 0), np.uint8), "no pixels"),
        (np.zeros(7, np.uint8), "not 1"),
        (np.zeros((2, 3, 4, 5), np.uint8), "not 4"),
        (np.zeros((5, 5), np.complex64), "complex64"),
    ],
)
def test_what_is_no_image_is_refused(
    segmenter: SemanticSegmenter, image: np.ndarray, message: str
) -> None:
    for use in (segmenter.predict, segmenter.predict_probabilities):
        with pytest.raises(ValueError, match=message):
            use(image, NEAR)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tile_size": 31}, "tile size 31"),
        ({"overlap": -1}, "overlap -1"),
        ({"scale": 0.0}, r"scale 0\.0"),
        ({"scale": -2.0}, r"scale -2\.0"),
        ({"scale": 17.0}, r"scale 17\.0"),
        ({"scale": float("nan")}, "scale nan"),
        ({"scales": ()}, r"scales \(\)"),
        ({"scales": (1.0, 5.0)}, r"scales \(1\.0, 5\.0\)"),
        ({"scales": (0.0,)}, r"scales \(0\.0,\)"),
    ],
)
def test_settings_out_of_bounds_are_named(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PredictSettings(**change)  # type: ignore[arg-type]


def test_windows_overlap_by_half_at_most(segmenter: SemanticSegmenter) -> None:
    image = noise((100, 100, 3))
    assert segmenter.predict(image, PredictSettings(overlap=32)).shape == (100, 100)
    with pytest.raises(ValueError, match=r"overlap 33: .* at 64 pixels .* up to 32"):
        segmenter.predict(image, PredictSettings(overlap=33))
    # What is not asked for is no mistake of the person.
    probabilities = segmenter.predict_probabilities(image)
    half = segmenter.predict_probabilities(image, PredictSettings(overlap=32))
    assert np.array_equal(probabilities, half)


class Ramp:
    """Finds the right of what it is shown, whatever that is."""

    device = "cpu"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        right = np.linspace(0, 1, images.shape[2], dtype=np.float32)
        shape = (len(images), *images.shape[1:3])
        return np.stack([np.broadcast_to(v, shape) for v in (1 - right, right)], axis=1)


def test_flipping_averages_with_the_mirrored_image() -> None:
    facts = colour_facts((0, 1))
    segmenter = SemanticSegmenter(Ramp(), facts)
    image = noise((64, 64, 3))
    plain = segmenter.predict_probabilities(image, NEAR)
    np.testing.assert_allclose(plain[1, 5], np.linspace(0, 1, 64), atol=1e-6)
    flipped = segmenter.predict_probabilities(
        image, PredictSettings(overlap=16, flip=True)
    )
    np.testing.assert_allclose(flipped, 0.5, atol=1e-6)


def test_flipping_shows_the_mirrored_image(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    labels = patches((64, 64))
    flip = PredictSettings(overlap=16, flip=True)
    np.testing.assert_array_equal(segmenter.predict(painted(labels), flip), labels)
    first, second = colours.calls
    np.testing.assert_array_equal(second, first[:, :, ::-1])
    assert second.flags.c_contiguous


def test_several_scales_are_averaged(
    segmenter: SemanticSegmenter, colours: ColourNetwork
) -> None:
    image = noise((64, 64, 3))
    settings = PredictSettings(overlap=16, scales=(0.5, 1.0, 2.0))
    probabilities = segmenter.predict_probabilities(image, settings)
    assert colours.shapes == [(1, 32, 32), (1, 64, 64), (1, 128, 128)]
    alone = [
        segmenter.predict_probabilities(image, PredictSettings(overlap=16, scales=(s,)))
        for s in settings.scales
    ]
    np.testing.assert_allclose(probabilities, np.mean(alone, axis=0), atol=1e-6)


def test_images_are_resized_to_what_the_model_was_trained_on() -> None:
    network = ColourNetwork()
    segmenter = SemanticSegmenter(network, colour_facts(longest_side=64))
    labels = patches((256, 128), side=32)
    found = segmenter.predict(painted(labels), NEAR)
    assert network.shapes == [(1, 64, 32)]
    # Where the network saw a mixture of colours, the rim of a patch may move.
    assert np.mean(found == labels) > 0.9
    network.calls.clear()
    whole = PredictSettings(overlap=16, scale=1.0)
    np.testing.assert_array_equal(segmenter.predict(painted(labels), whole), labels)
    assert sum(shape[0] for shape in network.shapes) == 15
    assert {shape[1:] for shape in network.shapes} == {(64, 64)}


def test_a_small_image_is_enlarged_for_such_a_model() -> None:
    network = ColourNetwork()
    segmenter = SemanticSegmenter(network, colour_facts(longest_side=128, window=128))
    segmenter.predict(noise((16, 8, 3)), NEAR)
    assert network.shapes == [(1, 128, 64)]


class FullDevice(ColourNetwork):
    """A device with memory for ``room`` windows."""

    device = "cuda"

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if len(images) > self.room:
            self.calls.append(images)
            raise DeviceMemoryError("out of memory")
        return super().__call__(images)


def test_with_too_little_memory_fewer_windows_go_through_at_once() -> None:
    device = FullDevice(2)
    segmenter = SemanticSegmenter(device, colour_facts())
    labels = patches((112, 64 + 7 * 48))
    np.testing.assert_array_equal(segmenter.predict(painted(labels), NEAR), labels)
    # Eight tiles, four, and from then on two.
    assert [shape[0] for shape in device.shapes] == [8, 4] + 8 * [2]
    assert segmenter.notices == ["out of GPU memory: going on with smaller tiles"]
    assert segmenter.device == "cuda"
    segmenter.predict(painted(labels), NEAR)
    assert segmenter.notices == []


def test_without_memory_for_one_window_the_cpu_goes_on() -> None:
    loaded: list[ColourNetwork] = []

    def fallback() -> ColourNetwork:
        loaded.append(ColourNetwork())
        return loaded[-1]

    segmenter = SemanticSegmenter(FullDevice(0), colour_facts(), fallback=fallback)
    labels = patches((112, 160))
    np.testing.assert_array_equal(segmenter.predict(painted(labels), NEAR), labels)
    assert len(loaded) == 1
    assert segmenter.device == "cpu"
    assert len(segmenter.notices) == 2
    assert "even with the smallest tile: going on on the CPU" in segmenter.notices[1]
    segmenter.predict(painted(labels), NEAR)
    assert len(loaded) == 1


@pytest.mark.parametrize("fallback", [None, lambda: FullDevice(0)])
def test_with_no_memory_anywhere_it_says_so(
    fallback: Callable[[], FullDevice] | None,
) -> None:
    segmenter = SemanticSegmenter(FullDevice(0), colour_facts(), fallback=fallback)
    with pytest.raises(DeviceMemoryError, match="out of memory"):
        segmenter.predict(noise((64, 64, 3)), NEAR)


def test_the_bundled_model_finds_a_cat() -> None:
    segmenter = SemanticSegmenter.from_pretrained(device="cpu")
    assert segmenter.name == DEFAULT_SEMANTIC_MODEL
    assert segmenter.classes == ClassTable.voc()
    assert isinstance(segmenter.facts, SemanticFacts)
    labels = segmenter.predict(chelsea())
    assert labels.shape == (300, 451)
    classes, counts = np.unique(labels, return_counts=True)
    assert classes[counts.argmax()] == CAT
    assert labels[170, 200] == CAT


def test_pixels_that_are_nan_are_told_of(segmenter: SemanticSegmenter) -> None:
    image = np.zeros((40, 50), np.float32)
    segmenter.predict(image, NEAR)
    assert segmenter.notices == []
    image[3, 4] = np.nan
    segmenter.predict(image, NEAR)
    assert len(segmenter.notices) == 1
    assert "NaN" in segmenter.notices[0]


def test_black_and_white_can_be_told(segmenter: SemanticSegmenter) -> None:
    image = np.full((40, 50, 3), 100.0)
    told = list(segmenter.strips(image, NEAR, (0.0, 100.0)))
    white = segmenter.predict(np.full((40, 50, 3), 255, np.uint8), NEAR)
    np.testing.assert_array_equal(np.concatenate([s.labels for s in told]), white)


def test_dark_images_are_seen_as_bright_ones_if_the_network_wants_it() -> None:
    labels = patches((32, 32))
    dark = painted(labels) // 8
    facts = colour_facts(window=32)
    for stretched in (False, True):
        segmenter = SemanticSegmenter(
            ColourNetwork(), replace(facts, stretched=stretched)
        )
        found = segmenter.predict(dark, NEAR)
        assert np.array_equal(found, labels) == stretched
        (strip, *_) = segmenter.strips(dark, NEAR, (0.0, 255.0))
        assert strip.top == 0
