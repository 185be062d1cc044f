"""How good is a heat map: the equations of chapter 13, what each measure cannot see, and the maps to beat."""

from itertools import permutations

import numpy as np
import pytest
from scipy import ndimage, stats

from camlib import Probe, class_activation_map, pointing_game, resize_map, scenes
from camlib.errors import CamlibError, HeadError, ImageError, LayerError, MapError, TargetError
from camlib.evaluation import (
    area, center_map, confidence_drop, deletion, deletion_curve, edge_map, insertion, insertion_curve, mislead,
    random_map, randomized, rank_correlation, removal_order, stability,
)
from camlib.intervals import mean_interval
from camlib.localization import box_accuracy, energy_in_mask
from camlib.occlusion import fill_pictures
from camlib.runtime import keras

layers = keras.layers


def first_logit(S):
    """A target function: the logit of class 0."""
    return S[:, 0]


@pytest.fixture(scope="module")
def unseen():
    """Forty scenes of a seed that the network was not trained on."""
    return scenes.make(40, seed=2)


@pytest.fixture(scope="module")
def net(small):
    """Maps, average, four logits."""
    return small(layers.GlobalAveragePooling2D(), layers.Dense(4))


@pytest.fixture(scope="module")
def linear():
    """Five pixels in a column, one logit S = u I + 0.5, and its weights u."""
    u = np.array([0.7, -1.2, 0.3, 2.0, -0.4])
    model = keras.Sequential([keras.Input((5, 1, 1)), layers.Conv2D(1, 1), layers.Flatten(), layers.Dense(2)])
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.stack([u, -u], 1), np.array([0.5, 0.0])])
    return model, u


@pytest.fixture(scope="module")
def heat():
    """Five signed maps (5, 16, 12) without ties."""
    return np.random.default_rng(4).normal(size=(5, 16, 12))


# -- with truth --------------------------------------------------------------------------------------


@pytest.mark.equation("13.1")
def test_chance_is_the_share_of_the_mask(unseen):
    """Every pixel as the peak once: the mean hit is the mask's share, and so is the energy of a constant map.

    (13.1) Chance level: a random pixel, and a constant map, score the mask's share of the picture.
    """
    mask = unseen.masks[0][::8, ::8]
    every = np.eye(mask.size).reshape(-1, *mask.shape)
    share = mask.sum() / mask.size
    assert 0 < share < 1
    assert pointing_game(every, np.repeat(mask[None], mask.size, 0)).mean() == share
    assert energy_in_mask(np.ones((1, *mask.shape)), mask[None])[0] == pytest.approx(share, rel=1e-12)


# -- deletion and insertion --------------------------------------------------------------------------


@pytest.mark.equation("13.2")
@pytest.mark.parametrize("fill", ["mean", "blur", 0.25])
def test_deletion_replaces_the_hottest_pixels(net, pictures, heat, fill):
    """Pixel by pixel, by sorting: after t of T steps the round(t H W / T) hottest show the fill, the others I.

    (13.2) Step by step the hottest pixels are replaced by the fill.
    """
    look, shown, T = Probe(net), fill_pictures(pictures, fill), 7
    curve = deletion_curve(net, pictures, heat, 2, steps=T, fill=fill)
    for n in range(5):
        hottest = sorted(((y, x) for y in range(16) for x in range(12)), key=lambda at: -heat[n][at])
        for t in range(T + 1):
            picture = pictures[n].copy()
            for at in hottest[:round(t * 192 / T)]:
                picture[at] = shown[n][at]
            p = look.probabilities(look.logits(picture[None]))[0, 2]
            assert curve[n, t] == pytest.approx(p, abs=1e-6)


@pytest.mark.equation("13.3")
def test_area_is_the_trapezoid_rule():
    """The mean of neighbours, averaged over the steps; a straight line from 1 to 0 has the area one half.

    (13.3) Deletion is the area under its curve, by the trapezoid rule.
    """
    curves = np.random.default_rng(0).random((3, 9))
    expected = [sum((c[t - 1] + c[t]) / 2 for t in range(1, 9)) / 8 for c in curves]
    np.testing.assert_allclose(area(curves), expected, rtol=1e-12)
    assert area(np.linspace(1, 0, 5)[None])[0] == 0.5


@pytest.mark.equation("13.4")
def test_insertion_is_deletion_of_the_negative_map(net, pictures, heat):
    """Starting from the fill and putting the hottest pixels in, one set after the other, gives the same curve.

    (13.4) Insertion is deletion of the negative map, read backwards.
    """
    look, T = Probe(net), 6
    curve = insertion_curve(net, pictures, heat, 1, steps=T, fill="mean")
    order, shown = np.argsort(-heat.reshape(5, -1), 1), fill_pictures(pictures, "mean")
    for t in range(T + 1):
        picture = shown.copy()
        for n in range(5):
            rows, columns = np.divmod(order[n, :round(t * 192 / T)], 12)
            picture[n, rows, columns] = pictures[n, rows, columns]
        np.testing.assert_allclose(curve[:, t], look.probabilities(look.logits(picture))[:, 1], atol=1e-6)
    np.testing.assert_array_equal(insertion(net, pictures, heat, 1, steps=T), area(curve))
    np.testing.assert_allclose(insertion(net, pictures, heat, 1, steps=T), deletion(net, pictures, -heat, 1, steps=T),
                               rtol=1e-12)


@pytest.mark.equation("13.5")
def test_for_a_linear_score_the_contributions_are_the_best_order(linear):
    """All 120 orders of five pixels: the area is that of the formula, and smallest for the order by contribution.

    (13.5) A linear score loses the contribution of each pixel that is removed, so they give the best order.
    """
    model, u = linear
    I, f = np.array([0.9, 0.2, 0.8, 0.1, 0.6]), np.array([0.3, 0.5, 0.1, 0.4, 0.7])
    worth = u * (I - f)
    orders = np.array(list(permutations(range(5))))
    maps = -np.argsort(orders, 1).astype(float)[:, :, None]  # the first of the order is the hottest
    images = np.repeat(I[None], 120, 0)[..., None, None]
    areas = deletion(model, images, maps, first_logit, steps=5, fill=f[:, None, None])
    curves = u @ I + 0.5 - np.cumsum(np.insert(worth[orders], 0, 0, axis=1), 1)
    np.testing.assert_allclose(areas, area(curves), atol=1e-6)
    assert orders[areas.argmin()].tolist() == np.argsort(-worth).tolist()
    assert orders[areas.argmax()].tolist() == np.argsort(worth).tolist()


def test_deletion_sees_only_the_order(net, pictures, heat):
    """Any rising function of the map gives the same areas, and the same peak; energy changes, except under a factor."""
    masks = np.random.default_rng(1).random(heat.shape) > 0.7
    plain = deletion(net, pictures, heat, 0, steps=5)
    for rising in (np.exp, lambda x: x**3, lambda x: 5 * x - 2):
        np.testing.assert_array_equal(deletion(net, pictures, rising(heat), 0, steps=5), plain)
        np.testing.assert_array_equal(pointing_game(rising(heat), masks), pointing_game(heat, masks))
        assert np.abs(energy_in_mask(rising(heat), masks) - energy_in_mask(heat, masks)).max() > 0.01
    np.testing.assert_allclose(energy_in_mask(7 * heat, masks), energy_in_mask(heat, masks), rtol=1e-12)


def test_the_ends_of_a_curve_do_not_depend_on_the_map(net, pictures, heat):
    """Before the first step the picture is whole, after the last it is the fill: of the top class, if none is named."""
    look = Probe(net)
    top = look.logits(pictures).argmax(1)
    curve = deletion_curve(net, pictures, heat, steps=3)
    for picture, column in ((pictures, 0), (fill_pictures(pictures, "mean"), -1)):
        np.testing.assert_allclose(curve[:, column], look.probabilities(look.logits(picture))[np.arange(5), top],
                                   atol=1e-6)


def test_ties_are_drawn_by_lot():
    """Hotter pixels come first; equal ones in an order that changes with the seed and prefers no corner."""
    map = np.zeros((1, 10, 10))
    map[0, 7, 3] = 1
    first, second = (removal_order(map, seed)[0] for seed in (0, 1))
    assert first[0] == second[0] == 73 and sorted(first) == list(range(100))
    assert (first != second).any() and abs(stats.spearmanr(first[1:], np.arange(99)).statistic) < 0.3
    many = np.mean([removal_order(np.zeros((1, 4, 4)), seed)[0] for seed in range(400)], 0)
    assert np.abs(many - 7.5).max() < 1.2
    np.testing.assert_array_equal(removal_order(map), removal_order(map))


@pytest.mark.equation("13.6")
def test_drop_of_confidence(net, pictures, heat):
    """One number at a time: p of the picture seen through the positive part of the map, against p.

    (13.6) The drop is the share of its probability that a class loses when the picture is seen through the map.
    """
    look = Probe(net)
    risen = 0
    for fill, c in ((0.0, 0), (0.0, 1), (0.4, 2), (0.4, 3)):
        drop, rises = confidence_drop(net, pictures, heat, c, fill)
        for n in range(5):
            veil = np.maximum(heat[n], 0) / heat[n].max()
            seen = veil[..., None] * pictures[n] + (1 - veil[..., None]) * fill
            before, after = (look.probabilities(look.logits(x[None].astype(np.float32)))[0, c]
                             for x in (pictures[n], seen))
            assert drop[n] == pytest.approx(max(0, before - after) / before, abs=1e-5)
            assert rises[n] == (after > before)
        risen += rises.sum()
    assert 0 < risen < 20


def test_a_map_that_shows_everything_drops_nothing(net, pictures):
    """A constant positive map keeps the whole picture; a map without a positive value keeps nothing of it."""
    drop, rises = confidence_drop(net, pictures, np.full((5, 16, 12), 3.0))
    assert not drop.any() and not rises.any()
    look = Probe(net)
    top = look.logits(pictures).argmax(1)
    before, black = (look.probabilities(look.logits(x))[np.arange(5), top] for x in (pictures, 0 * pictures))
    drop, _ = confidence_drop(net, pictures, -np.ones((5, 16, 12)))
    np.testing.assert_allclose(drop, np.maximum(before - black, 0) / before, atol=1e-6)


# -- baselines ---------------------------------------------------------------------------------------


def test_the_centre_is_hottest_and_symmetric():
    """The middle of the picture, the same hill in every map, falling by exp(-1/2) a sixth of a side away."""
    maps = center_map(2, (12, 24))
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_allclose(maps, maps[:, ::-1, ::-1], rtol=1e-12)
    assert np.unravel_index(center_map(1, (5, 7))[0].argmax(), (5, 7)) == (2, 3)
    hill = center_map(1, (13, 1))[0][:, 0]
    assert hill[8] / hill[6] == pytest.approx(np.exp(-0.5 * (2 / 13 * 6) ** 2))


def test_edges_are_sobels(pictures):
    """SciPy's Sobel filter of the grey value, both ways; a flat picture has no edge."""
    for edges, picture in zip(edge_map(pictures), pictures, strict=True):
        grey = picture.mean(2).astype(float)
        expected = np.hypot(*(ndimage.sobel(grey, axis, mode="mirror") for axis in (0, 1)))
        np.testing.assert_allclose(edges, expected, atol=1e-5)
    assert not edge_map(np.ones((1, 8, 8, 3))).any()


def test_random_maps_are_random_and_smooth():
    """The seed decides; no two alike; neighbours nearly equal; mean hit of a mask is its share."""
    maps = random_map(500, 48, seed=3)
    np.testing.assert_array_equal(maps, random_map(500, 48, seed=3))
    assert np.abs(maps - random_map(500, 48, seed=4)).max() > 1 and abs(rank_correlation(maps[:1], maps[1:2])[0]) < 0.5
    assert np.abs(np.diff(maps, axis=2)).mean() < 0.4 * maps.std()
    masks = np.zeros(maps.shape, bool)
    masks[:, :24] = True
    mean, low, high = mean_interval(pointing_game(maps, masks))
    assert low < 0.5 < high


# -- checks ------------------------------------------------------------------------------------------


@pytest.mark.equation("13.7")
def test_rank_correlation_is_spearmans_formula(heat):
    """1 - 6 sum d^2 / (n (n^2 - 1)) with the difference d of the ranks, counted; 1 for any rising function.

    (13.7) Spearman's rank correlation, from the differences of the ranks.
    """
    other = heat[::-1] + 0.5 * heat
    for rho, a, b in zip(rank_correlation(heat, other), heat, other, strict=True):
        a, b = a.ravel(), b.ravel()
        d = [(a < a[i]).sum() - (b < b[i]).sum() for i in range(192)]
        assert rho == pytest.approx(1 - 6 * sum(np.square(d)) / (192 * (192**2 - 1)), abs=1e-12)
    np.testing.assert_allclose(rank_correlation(heat, np.exp(heat)), 1)
    np.testing.assert_allclose(rank_correlation(heat, -heat), -1)
    assert rank_correlation(np.ones((1, 4, 4)), heat[:1, :4, :4]) == rank_correlation(heat[:1], 0 * heat[:1]) == 0


def test_randomising_nothing_changes_nothing(net, pictures):
    """No layer named: the copy answers the same, and is another model."""
    copy = randomized(net, [])
    assert copy is not net
    np.testing.assert_array_equal(Probe(copy).logits(pictures), Probe(net).logits(pictures))


def test_randomising_shuffles_the_named_layers_only(net):
    """Same values, other places, in those layers; the others and the original as they were."""
    before = [w.copy() for w in net.get_weights()]
    top = net.layers[-1].name
    for name in ("maps", top):
        copy = randomized(net, name)
        for layer in net.layers:
            for old, new in zip(layer.get_weights(), copy.get_layer(layer.name).get_weights(), strict=True):
                assert (old != new).any() == (layer.name == name)
                np.testing.assert_array_equal(np.sort(old.ravel()), np.sort(new.ravel()))
    for old, now in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
    kernels = [randomized(net, ["maps"], seed).get_layer("maps").get_weights()[0] for seed in (0, 0, 1)]
    assert (kernels[0] == kernels[1]).all() and (kernels[0] != kernels[2]).any()


def test_random_head_moves_the_map(network, unseen):
    """With shuffled class weights the CAM of the course network forgets its order; the edges of Sobel cannot."""
    images, labels = unseen.images[:20], unseen.labels[:20]
    forgot = randomized(network, "logits")
    rho = rank_correlation(*(class_activation_map(model, images, labels) for model in (network, forgot)))
    assert abs(rho.mean()) < 0.4


def test_stability_of_what_does_not_look(pictures):
    """No noise: 1 for each map. A map that ignores the picture has 1 under any noise, one that copies it less."""
    def copies(images):
        return images.mean(3)

    np.testing.assert_allclose(stability(copies, pictures, 0), 1)
    np.testing.assert_allclose(stability(lambda images: center_map(len(images), (16, 12)), pictures, 0.5), 1)
    little, much = (stability(copies, pictures, sigma) for sigma in (0.05, 0.5))
    assert (much < little - 0.2).all() and (little > 0.9).all() and (little < 1).all()
    np.testing.assert_array_equal(little, stability(copies, pictures, 0.05))
    seen = []
    stability(lambda images: seen.append(images) or images.mean(3), np.zeros((1, 100, 100, 3)), 0.2)
    assert (seen[1] - seen[0]).std() == pytest.approx(0.2, rel=0.02)


# -- the map that was moved --------------------------------------------------------------------------


@pytest.mark.equation("13.8")
def test_a_step_goes_uphill(net, pictures):
    """The first step against finite differences of f, pixel by pixel, the weights of the soft peaks held.

    (13.8) The attack climbs f: evidence moves into the region, the logits stay, and every change is small.
    """
    region, eps, images = np.zeros((8, 6), bool), 0.01, 0.2 + 0.6 * pictures[:2]
    region[:4, :3] = True
    M = class_activation_map(net, images, 2).astype(float)
    heat = np.exp(M / (0.3 * np.ptp(M, axis=(1, 2))[:, None, None]))
    inside, outside = heat * region, heat * ~region
    weights = inside / inside.sum((1, 2), keepdims=True) - outside / outside.sum((1, 2), keepdims=True)
    step = mislead(net, images, region, 2, eps=eps, steps=1, sharp=0.3) - images
    np.testing.assert_allclose(np.abs(step[step != 0]), eps / 4, rtol=1e-3)
    checked = 0
    for y, x, colour in ((3, 2, 0), (5, 9, 1), (12, 4, 2), (8, 8, 0), (4, 4, 1), (1, 1, 2), (6, 2, 1)):
        push = np.zeros_like(images)
        push[:, y, x, colour] = 0.01
        up, down = (class_activation_map(net, images + sign * push, 2) for sign in (1, -1))
        slope = ((up - down) * weights).sum((1, 2))
        clear = np.abs(slope) > 1e-4
        np.testing.assert_array_equal(np.sign(step[clear, y, x, colour]), np.sign(slope[clear]))
        checked += clear.sum()
    assert checked >= 7


@pytest.mark.equation("13.8")
def test_the_map_moves_and_the_class_stays(network, unseen):
    """Within eps and 0..1, the same class, and the peak of most maps in the region; noise of that size moves none."""
    images, labels = unseen.images[:8], unseen.labels[:8]
    before = class_activation_map(network, images, labels)
    region = np.zeros(before.shape, bool)
    for n, map in enumerate(before):
        y, x = np.unravel_index(map.argmax(), map.shape)
        region[n, slice(7, 11) if y < 6 else slice(1, 5), slice(7, 11) if x < 6 else slice(1, 5)] = True
    eps = 8 / 255
    moved = mislead(network, images, region, labels, eps=eps, steps=30)
    after = class_activation_map(network, moved, labels)
    look = Probe(network)
    assert (look.logits(moved).argmax(1) == look.logits(images).argmax(1)).all()
    assert np.abs(moved - images).max() <= eps + 1e-6 and moved.min() >= 0 and moved.max() <= 1
    assert not pointing_game(before, region).any() and pointing_game(after, region).mean() >= 0.7
    noise = eps * np.random.default_rng(0).choice([-1, 1], images.shape)
    noisy = class_activation_map(network, images + noise.astype(np.float32), labels)
    assert not pointing_game(noisy, region).any()


def test_holding_harder_keeps_the_logits_nearer(network, unseen):
    """The weight of the last term of f does what it says: with more of it the logits change less."""
    images, labels, region = unseen.images[:4], unseen.labels[:4], np.zeros((12, 12), bool)
    region[1:4, 1:4] = True
    look, far = Probe(network), []
    for hold in (0, 1, 10):
        moved = mislead(network, images, region, labels, steps=12, hold=hold)
        far.append(np.abs(look.logits(moved) - look.logits(images)).max(1).mean())
    assert far[0] > 2 * far[1] > 2 * far[2]


@pytest.mark.equation("13.9")
def test_psnr_of_a_bounded_change(pictures):
    """A change of at most eps a value leaves at least -20 log10 eps decibels; the bound is met by +-eps everywhere.

    (13.9) A bound on each change is a bound on the quality of the picture, in decibels.
    """
    rng = np.random.default_rng(0)
    for delta in (rng.uniform(-0.03, 0.03, pictures.shape), 0.03 * rng.choice([-1, 1], pictures.shape)):
        psnr = -10 * np.log10(np.mean(delta**2))
        assert psnr >= -20 * np.log10(0.03) - 1e-9
    assert psnr == pytest.approx(-20 * np.log10(0.03))


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad, error, words", [
    (dict(maps=np.zeros((5, 8, 6))), MapError, "resize_map"),
    (dict(maps=np.zeros((16, 12))), MapError, r"map\[None\]"),
    (dict(maps=np.full((5, 16, 12), np.nan)), MapError, "NaN"),
    (dict(images=np.zeros((16, 12, 3))), ImageError, "batch"),
    (dict(target=9), TargetError, "out of range"),
    (dict(steps=0), CamlibError, "steps"),
    (dict(fill="grey"), ImageError, "fill"),
])
def test_deletion_refuses(net, pictures, heat, bad, error, words):
    """What cannot be measured is said, with what to do."""
    with pytest.raises(error, match=words):
        deletion(**{"model": net, "images": pictures, "maps": heat, **bad})


def test_other_functions_refuse(net, small, pictures, heat):
    """Each public function names what is wrong."""
    with pytest.raises(TargetError, match="share"):
        confidence_drop(net, pictures, heat, first_logit)
    with pytest.raises(MapError, match="resize_map"):
        confidence_drop(net, pictures, heat[:, :4])
    with pytest.raises(MapError, match="two points"):
        area(np.zeros((3, 1)))
    with pytest.raises(MapError, match="one size"):
        rank_correlation(heat, heat[:, :4])
    with pytest.raises(LayerError, match="maps"):
        randomized(net, ["mapps"])
    with pytest.raises(LayerError, match="no layer None"):
        randomized(net, None)
    with pytest.raises(CamlibError, match="Functional"):
        randomized(None, [])
    with pytest.raises(CamlibError, match="noise"):
        stability(lambda images: images.mean(3), pictures, -1)
    with pytest.raises(CamlibError, match="explain is a function"):
        stability(3, pictures)
    for maker in (center_map, random_map):
        with pytest.raises(CamlibError, match="n is"):
            maker(0, 8)
        with pytest.raises(MapError, match="size"):
            maker(1, 0)
    with pytest.raises(CamlibError, match="cells"):
        random_map(1, 8, cells=0)
    with pytest.raises(ImageError, match="batch"):
        edge_map(pictures[0])


@pytest.mark.parametrize("seed", [-1, "a", 0.5])
def test_seeds_are_whole_numbers(net, pictures, heat, seed):
    """Whatever is drawn: a seed that is none is refused."""
    for draw in (lambda: removal_order(heat, seed), lambda: random_map(1, 8, seed), lambda: randomized(net, [], seed),
                 lambda: deletion(net, pictures, heat, seed=seed),
                 lambda: stability(lambda images: images.mean(3), pictures, seed=seed)):
        with pytest.raises(CamlibError, match="seed is a whole number, 0 or more"):
            draw()


def test_subclassed_models_are_not_copied(net):
    """They cannot be cloned layer by layer, and the error says what to build instead."""
    class Wrapped(keras.Model):
        def call(self, x):
            return net(x)

    with pytest.raises(CamlibError, match="Functional"):
        randomized(Wrapped(), [])


@pytest.mark.parametrize("bad, error, words", [
    (dict(eps=0), CamlibError, "eps"), (dict(hold=-1), CamlibError, "hold"), (dict(sharp=0), CamlibError, "sharp"),
    (dict(steps=0), CamlibError, "steps"), (dict(target=7), TargetError, "class"),
    (dict(region=np.zeros((8, 6), bool)), MapError, "region"), (dict(region=np.ones((8, 6), bool)), MapError, "region"),
    (dict(limits=None), CamlibError, "limits"), (dict(limits=(0, 0.5, 1)), CamlibError, "limits"),
    (dict(limits=(1, 0)), CamlibError, "lowest"), (dict(limits="ab"), CamlibError, "limits"),
    (dict(region=np.eye(6, dtype=bool)), MapError, "region"), (dict(region=np.ones((8, 6))), MapError, "region"),
])
def test_mislead_refuses(net, pictures, bad, error, words):
    """A region without an inside or an outside, another size, or numbers that mean nothing."""
    good = dict(model=net, images=pictures, region=np.arange(48).reshape(8, 6) < 9)
    with pytest.raises(error, match=words):
        mislead(**{**good, **bad})


def test_mislead_needs_a_cam(small, pictures):
    """A head with a hidden layer has no class weights."""
    deep = small(layers.GlobalAveragePooling2D(), layers.Dense(6, activation="relu"), layers.Dense(4))
    with pytest.raises(HeadError, match="grad_cam"):
        mislead(deep, pictures, np.arange(48).reshape(8, 6) < 9)
