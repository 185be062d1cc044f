"""The little figures of the scenes, each drawn by a pen from two colours and a dark or light one."""

import cv2
import numpy as np

FINE = 3  # figures are drawn this many times larger, then averaged down


class Pen:
    """Draws in the figure's own frame: x to the right, y down, the figure inside the unit circle."""

    def __init__(self, center, radius, rng):
        angle = np.deg2rad(rng.uniform(-40, 40))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        flip = np.diag([rng.choice([-1.0, 1.0]), 1.0])
        side = 2 * int(np.ceil(1.15 * radius)) + 1
        self.corner = np.floor(center).astype(int) - side // 2
        self.matrix = FINE * radius * turn @ flip
        self.center = FINE * (center - self.corner)
        self.color = np.zeros((side * FINE, side * FINE, 3), np.float32)
        self.mask = np.zeros((side * FINE, side * FINE), np.float32)

    def polygon(self, points, color):
        """Fill the polygon through ``points`` (n, 2)."""
        pixels = np.asarray(points, float) @ self.matrix.T + self.center
        pixels = np.round(pixels * 16).astype(np.int32)
        for canvas, value in ((self.color, color), (self.mask, 1.0)):
            cv2.fillPoly(canvas, [pixels], np.atleast_1d(value).tolist(), shift=4)

    def ellipse(self, x, y, rx, ry, color, start=0, stop=360, tilt=0):
        """Fill an ellipse, or the pie from ``start`` to ``stop`` degrees; ``tilt`` turns it."""
        t, a = np.deg2rad(np.linspace(start, stop, 40)), np.deg2rad(tilt)
        u, v = rx * np.cos(t), ry * np.sin(t)
        self.polygon(np.stack([x + u * np.cos(a) - v * np.sin(a), y + u * np.sin(a) + v * np.cos(a)], 1), color)

    def stroke(self, points, width, color):
        """Draw a line through ``points``, ``width`` wide, with round ends."""
        points = np.asarray(points, float)
        for (x, y), (u, v) in zip(points[:-1], points[1:], strict=True):
            normal = np.array([y - v, u - x]) / (np.hypot(u - x, v - y) + 1e-9) * width / 2
            self.polygon([(x, y) + normal, (u, v) + normal, (u, v) - normal, (x, y) - normal], color)
        for x, y in points:
            self.ellipse(x, y, width / 2, width / 2, color)

    def averaged(self):
        """What was drawn, at scene resolution: colours (s, s, 3) and cover (s, s, 1) in 0..1."""
        side = len(self.mask) // FINE
        color, cover = (cv2.resize(a, (side, side), interpolation=cv2.INTER_AREA) for a in (self.color, self.mask))
        return color, cover[..., None]

    def ring(self, x, y, r, width, color, start=0, stop=360, squash=1.0):
        """Draw an arc of radius ``r`` as a stroke."""
        t = np.deg2rad(np.linspace(start, stop, 25))
        self.stroke(np.stack([x + r * np.cos(t), y + squash * r * np.sin(t)], 1), width, color)


def fish(pen, rng, a, b, dark):
    """Draw a fish: an oval body with a pointed tail, a fin and an eye."""
    tail = rng.uniform(0.28, 0.42)
    pen.polygon([(-0.45, 0), (-1.0, -tail), (-0.85, 0), (-1.0, tail)], b)
    pen.polygon([(-0.2, -0.3), (0.15, -0.62), (0.35, -0.25)], b)
    pen.ellipse(0.18, 0, 0.75, rng.uniform(0.36, 0.46), a)
    pen.ring(0.1, 0, 0.3, 0.07, b, -60, 60)
    pen.ellipse(0.62, -0.1, 0.1, 0.1, (0.95, 0.95, 0.95))
    pen.ellipse(0.64, -0.1, 0.055, 0.055, dark)


def leaf(pen, rng, a, b, dark):
    """Draw a leaf: two equal edges, a rib down the middle and veins on both sides."""
    t = np.linspace(0, 1, 20)
    edge = rng.uniform(0.42, 0.58) * np.sin(np.pi * t) ** 0.8
    x = -0.75 + 1.7 * t
    pen.polygon(np.concatenate([np.stack([x, edge], 1), np.stack([x, -edge], 1)[::-1]]), a)
    pen.stroke([(-1, 0), (0.8, 0)], 0.08, b)
    for root in (-0.45, -0.1, 0.25):
        for side in (-1, 1):
            pen.stroke([(root, 0), (root + 0.25, side * 0.3)], 0.055, b)


def mug(pen, rng, a, b, dark):
    """Draw a mug with a handle, and the dark drink in it; on some a band."""
    width = rng.uniform(0.48, 0.58)
    pen.ring(width + 0.02, 0.05, 0.3, 0.14, a, -95, 95)
    pen.polygon([(-width, -0.6), (width, -0.6), (width * 0.9, 0.75), (-width * 0.9, 0.75)], a)
    pen.ellipse(0, 0.75, width * 0.9, 0.12, a)
    pen.ellipse(0, -0.6, width, 0.17, b)
    pen.ellipse(0, -0.58, width * 0.82, 0.11, dark)
    if rng.random() < 0.6:
        pen.polygon([(-width, -0.1), (width, -0.1), (width * 0.95, 0.25), (-width * 0.95, 0.25)], b)


def key(pen, rng, a, b, dark):
    """Draw a key: a ring, a shaft and two or three teeth."""
    pen.ring(-0.56, 0, 0.32, 0.24, a)
    pen.stroke([(-0.26, 0), (0.9, 0)], 0.24, a)
    for x in (0.5, 0.82) if rng.random() < 0.5 else (0.45, 0.64, 0.83):
        pen.stroke([(x, 0), (x, rng.uniform(0.3, 0.44))], 0.17, a)
    pen.ring(-0.56, 0, 0.32, 0.07, b)
    pen.stroke([(-0.2, 0), (0.82, 0)], 0.07, b)


def umbrella(pen, rng, a, b, dark):
    """Draw an umbrella: a dome in strips, three dark hollows under it, and a hooked stick."""
    pen.stroke([(0, -0.8), (0, 0.7)], 0.13, dark)
    pen.ring(0.17, 0.7, 0.17, 0.12, dark, 0, 180)
    pen.ellipse(0, 0.22, 0.98, rng.uniform(0.8, 0.95), a, 180, 360)
    for left in (-0.98, 0.327):
        pen.polygon([(0, -0.65), (left, 0.22), (left + 0.653, 0.22)], b)
    for x in (-0.653, 0, 0.653):
        pen.ellipse(x, 0.23, 0.3, 0.1, dark, 180, 360)


def mushroom(pen, rng, a, b, dark):
    """Draw a mushroom: a half-round cap with three spots on a stem."""
    pen.polygon([(-0.22, -0.05), (0.22, -0.05), (0.3, 0.85), (-0.3, 0.85)], b)
    pen.ellipse(0, 0.85, 0.3, 0.1, b)
    pen.ellipse(0, 0.08, 0.88, rng.uniform(0.75, 0.95), a, 180, 360)
    pen.ellipse(0, 0.08, 0.88, 0.13, dark)
    for x, y, r in ((-0.45, -0.22, 0.13), (0.05, -0.5, 0.15), (0.48, -0.2, 0.12)):
        pen.ellipse(x, y, r, r * 0.85, b)


def butterfly(pen, rng, a, b, dark):
    """Draw a butterfly: four wings with spots, a thin dark body and feelers."""
    upper = rng.uniform(0.36, 0.44)
    for side in (-1, 1):
        pen.ellipse(side * 0.5, -0.35, 0.48, upper, a, tilt=side * -35)
        pen.ellipse(side * 0.42, 0.4, 0.38, 0.33, a, tilt=side * 35)
        pen.ellipse(side * 0.55, -0.38, 0.2, 0.17, b)
        pen.ellipse(side * 0.45, 0.42, 0.15, 0.14, b)
        pen.stroke([(0, -0.45), (side * 0.22, -0.9)], 0.05, dark)
    pen.ellipse(0, 0, 0.1, 0.58, dark)


def house(pen, rng, a, b, dark):
    """Draw a house: walls, a pointed roof, a door and two windows; on some a chimney."""
    if rng.random() < 0.6:
        pen.polygon([(0.3, -0.85), (0.5, -0.85), (0.5, -0.3), (0.3, -0.3)], dark)
    pen.polygon([(-0.65, -0.2), (0.65, -0.2), (0.65, 0.8), (-0.65, 0.8)], a)
    pen.polygon([(-0.9, -0.15), (0, rng.uniform(-0.95, -0.8)), (0.9, -0.15)], b)
    pen.polygon([(-0.12, 0.25), (0.18, 0.25), (0.18, 0.8), (-0.12, 0.8)], dark)
    for x in (-0.43, 0.42):
        pen.polygon([(x - 0.13, 0.08), (x + 0.13, 0.08), (x + 0.13, 0.34), (x - 0.13, 0.34)], b)


def fragment(pen, rng, a, b, dark):
    """Draw what belongs to no class: an oval, an arc, a bar, a triangle, or a box with a disc in it."""
    kind = rng.integers(5)
    if kind == 0:
        pen.ellipse(0, 0, 0.8, rng.uniform(0.3, 0.8), a)
    elif kind == 1:
        pen.ring(0, 0, 0.7, 0.3, a, 0, rng.uniform(90, 270))
    elif kind == 2:
        pen.stroke([(-0.8, 0), (0.8, 0)], 0.35, a)
    elif kind == 3:
        pen.polygon(rng.uniform(-0.9, 0.9, (3, 2)), a)
    else:
        pen.polygon([(-0.7, -0.5), (0.7, -0.5), (0.7, 0.5), (-0.7, 0.5)], a)
        pen.ellipse(0, 0, 0.3, 0.3, b)


FIGURES = {f.__name__: f for f in (fish, leaf, mug, key, umbrella, mushroom, butterfly, house)}
