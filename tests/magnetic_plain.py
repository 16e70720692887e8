"""The 29 features once more, pixel by pixel from their definitions: slow, plain, apart from the package."""

import math
import statistics

from skimage.measure import find_contours


def five(values):
    mean = math.fsum(values) / len(values)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return [mean, std, statistics.median(values), min(values), max(values)]


def at(field, row, column):
    inside = 0 <= row < len(field) and 0 <= column < len(field[0])
    return field[row][column] if inside else 0.0


def gradient_of(field):
    kernel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    result = []
    for row in range(len(field)):
        line = []
        for column in range(len(field[0])):
            gx = gy = 0.0
            for i in range(3):
                for j in range(3):
                    value = at(field, row + i - 1, column + j - 1)
                    gx += kernel[i][j] * value
                    gy += kernel[j][i] * value
            line.append(math.sqrt(gx * gx + gy * gy))
        result.append(line)
    return result


def box_of(field):
    rows, columns = len(field), len(field[0])
    down = [[sum(at(field, r + k, c) for k in range(-5, 5)) for c in range(columns)] for r in range(rows)]
    return [[sum(at(down, r, c + k) for k in range(-5, 5)) for c in range(columns)] for r in range(rows)]


def step_angle(here, there):
    r, c = there[0] - here[0], there[1] - here[1]
    if r != 0:
        return math.atan(c / r)
    return 3 * math.pi / 2 if c < 0 else math.pi / 2


def fragments_of(pixels):
    left, count = set(pixels), 0
    while left:
        count += 1
        waiting = [left.pop()]
        while waiting:
            row, column = waiting.pop()
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
    return count


def neutral_line(field, gradient):
    import numpy as np

    contours = [[(round(r), round(c)) for r, c in contour] for contour in find_contours(np.array(box_of(field)), 0.0)]
    if not contours:
        return [0.0] * 13
    mask = {vertex for contour in contours for vertex in contour}
    weight = {(row, column): gradient[row][column] for row, column in mask}
    strong = [pixel for pixel in mask if weight[pixel] >= 0.2 * max(weight.values()) and weight[pixel] > 0]
    angles, bending = [], []
    for contour in contours:
        own = [step_angle(contour[i], contour[(i + 1) % len(contour)]) for i in range(len(contour))]
        bending.append(sum((own[i] - own[(i + 1) % len(own)]) ** 2 for i in range(len(own))) / len(own))
        angles += own
    return [len(strong), fragments_of(strong), len(mask), *five(angles), *five(bending)]


def wavelets(field):
    energies, level = [], field
    for _ in range(5):
        if len(level) % 2:
            level = [*level, level[-1]]
        if len(level[0]) % 2:
            level = [[*line, line[-1]] for line in level]
        total, coarse = 0.0, []
        for row in range(0, len(level), 2):
            line = []
            for column in range(0, len(level[0]), 2):
                a, b = level[row][column], level[row][column + 1]
                c, d = level[row + 1][column], level[row + 1][column + 1]
                total += abs(a + b - c - d) / 2 + abs(a - b + c - d) / 2 + abs(a - b - c + d) / 2
                line.append((a + b + c + d) / 2)
            coarse.append(line)
        energies.append(total)
        level = coarse
    return energies


def plain_features(array):
    """Give the 29 features of a two-dimensional array as a list."""
    field = array.tolist()
    gradient = gradient_of(field)
    flat = [value for line in gradient for value in line]
    mean, std, *rest = five(flat)
    skewness = math.fsum((value - mean) ** 3 for value in flat) / len(flat) / std**3 if std else 0.0
    kurtosis = math.fsum((value - mean) ** 4 for value in flat) / len(flat) / std**4 - 3 if std else 0.0
    pixels = [value for line in field for value in line]
    positive = math.fsum(value for value in pixels if value > 0)
    negative = math.fsum(value for value in pixels if value < 0)
    flux = [positive, negative, positive + negative, positive - negative]
    return [mean, std, *rest, skewness, kurtosis, *neutral_line(field, gradient), *wavelets(field), *flux]
