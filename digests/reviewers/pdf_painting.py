"""Text of a PDF page that is painted, told from text that nobody sees.

Hidden text is white on the bare page, invisible (render mode 3), or smaller than `MIN_FONT_POINTS`. White or
invisible text over a painted area or an image is seen: labels of figures, and scanned pages with their words.
A shading is white if the colours that its functions begin and end with are.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

MIN_FONT_POINTS = 2.0
"""Points of the font size below which text is not readable."""

WHITE_LEVEL = 0.95
"""Share of full light from which a colour counts as white."""

MAX_AREAS = 5_000
"""Painted areas of a page that are kept. With more, all text counts as painted over one."""

MAX_COMPARISONS = 1_000_000
"""Comparisons of texts with areas on a page: some tenths of a second. White text after them is hidden."""

MAX_PARTS_OF_SHADING = 50
"""Functions of a shading that are looked at. One with more counts as dark."""

Box = tuple[float, float, float, float]
"""Left, bottom, right and top."""

_EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
_STROKING_MODES = (1, 2, 5, 6)
_UNSEEN_MODES = (3, 7)
_FILLS = (b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*")
_SHOWS = (b"Tj", b"TJ", b"'", b'"')


@dataclass(frozen=True, slots=True)
class _Paint:
    """The part of the graphics state that decides whether text is seen. A colour is white or not.

    Nothing is painted outside of the box `clip`.
    """

    is_fill_white: bool = False
    is_stroke_white: bool = False
    fill_space: str = ""
    stroke_space: str = ""
    render_mode: int = 0
    font_size: float = 0.0
    clip: Box = _EVERYWHERE


@dataclass(slots=True)
class _Level:
    """A content stream: the page's own, or that of a form inside it with coordinates of its own.

    `resources` are the shadings, patterns and forms that its operators name. `clips` is True from the
    operator that makes the path a clip until the path ends.
    """

    paint: _Paint
    resources: Mapping[str, Any]
    clips: bool = False
    white_names: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By the kind and name of a shading or a pattern of one, True if it is white."""
    saved: list[_Paint] = field(default_factory=list)
    path: list[tuple[float, float]] = field(default_factory=list)
    areas: list[tuple[Box, bool]] = field(default_factory=list)
    """Painted areas in their order, each with True if it is white."""


class PaintedText:
    """Visitor of a page's operators and texts, in the order in which pypdf extracts them.

    `pieces` are its texts, each with True if it is hidden. A piece of which only a part is hidden is not.
    `page` is the page's dictionary.
    """

    def __init__(self, page: Mapping[str, Any]) -> None:
        self.pieces: list[tuple[str, bool]] = []
        self._levels = [_Level(_Paint(), _look_up(page, "/Resources"))]
        self._shown: list[bool] = []
        self._showing: bool | None = None
        self._comparisons_left = MAX_COMPARISONS

    @property
    def has_hidden_text(self) -> bool:
        """Return True if a piece is hidden."""
        return any(is_hidden and text.strip() for text, is_hidden in self.pieces)

    def before(
        self, operator: bytes, operands: Sequence[Any], cm: Sequence[float], tm: Sequence[float]
    ) -> None:
        """Follow an operator. Odd operands change nothing."""
        level = self._levels[-1]
        if operator in _SHOWS:
            self._showing = self._is_unseen(level, cm, tm)
        elif operator == b"Do":
            form = _look_up(level.resources, "/XObject", operands)
            resources = _look_up(form, "/Resources") or level.resources
            self._levels.append(_Level(replace(level.paint, clip=_EVERYWHERE), resources))
        else:
            try:
                _follow(level, operator, operands, cm)
            except (TypeError, ValueError, IndexError, OverflowError):
                return

    def after(
        self, operator: bytes, operands: Sequence[Any], cm: Sequence[float], tm: Sequence[float]
    ) -> None:
        """Take note of a text that was shown, and of the end of a form or an image."""
        if self._showing is not None:
            self._shown.append(self._showing)
            self._showing = None
        if operator == b"Do" and len(self._levels) > 1:
            form = self._levels.pop()
            if not form.areas and not form.path:  # An image, or a form that paints nothing but text.
                corners = [_move(corner, cm) for corner in ((0, 0), (1, 0), (0, 1), (1, 1))]
                _add_area(self._levels[-1], corners, is_white=False)

    def take_text(self, text: str, *_: object) -> None:
        """Take a piece of text: what was shown since the last one."""
        shown = self._shown or ([self._showing] if self._showing is not None else [])
        if text:
            self.pieces.append((text, bool(shown) and all(shown)))
        self._shown = []

    def _is_unseen(self, level: _Level, cm: Sequence[float], tm: Sequence[float]) -> bool:
        paint = level.paint
        a, b, c, d = (
            tm[0] * cm[0] + tm[1] * cm[2], tm[0] * cm[1] + tm[1] * cm[3],
            tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3],
        )  # fmt: skip
        if abs(paint.font_size) * math.sqrt(abs(a * d - b * c)) < MIN_FONT_POINTS:
            return True
        is_stroked = paint.render_mode in _STROKING_MODES
        is_white = paint.is_fill_white and (not is_stroked or paint.is_stroke_white)
        if not is_white and paint.render_mode not in _UNSEEN_MODES:
            return False
        x, y = _move((tm[4], tm[5]), cm)
        for (left, bottom, right, top), is_white_area in reversed(level.areas):
            self._comparisons_left -= 1
            if self._comparisons_left < 0:
                return True
            if left <= x <= right and bottom <= y <= top:
                return is_white_area
        return True


def _follow(level: _Level, operator: bytes, operands: Sequence[Any], cm: Sequence[float]) -> None:
    paint = level.paint
    match operator:
        case b"q":
            level.saved.append(paint)
        case b"Q":
            level.paint = level.saved.pop() if level.saved else paint
        case b"Tf":
            level.paint = replace(paint, font_size=float(operands[1]))
        case b"Tr":
            level.paint = replace(paint, render_mode=int(operands[0]))
        case b"cs":
            level.paint = replace(paint, fill_space=str(operands[0]), is_fill_white=False)
        case b"CS":
            level.paint = replace(paint, stroke_space=str(operands[0]), is_stroke_white=False)
        case b"g" | b"rg" | b"k":
            level.paint = replace(paint, is_fill_white=_is_white(operands, "/Device"))
        case b"G" | b"RG" | b"K":
            level.paint = replace(paint, is_stroke_white=_is_white(operands, "/Device"))
        case b"sc" | b"scn" if paint.fill_space == "/Pattern":
            level.paint = replace(paint, is_fill_white=_is_named_white(level, "/Pattern", operands))
        case b"sc" | b"scn":
            level.paint = replace(paint, is_fill_white=_is_white(operands, paint.fill_space))
        case b"SC" | b"SCN":
            level.paint = replace(paint, is_stroke_white=_is_white(operands, paint.stroke_space))
        case b"re":
            x, y, width, height = map(float, operands[:4])
            corners = ((x, y), (x + width, y), (x, y + height), (x + width, y + height))
            level.path += [_move(corner, cm) for corner in corners]
        case b"m" | b"l" | b"c" | b"v" | b"y":
            numbers = [float(number) for number in operands]
            level.path += [_move(point, cm) for point in zip(numbers[::2], numbers[1::2], strict=True)]
        case b"sh":
            left, bottom, right, top = paint.clip
            is_white = _is_named_white(level, "/Shading", operands)
            _add_area(level, ((left, bottom), (right, top)), is_white=is_white)
        case b"W" | b"W*":
            level.clips = True
        case b"n" | b"S" | b"s":
            _end_path(level)
        case _ if operator in _FILLS:
            _add_area(level, level.path, is_white=paint.is_fill_white)
            _end_path(level)


def _end_path(level: _Level) -> None:
    """Forget the path, after it has become the clip where an operator said so."""
    if level.clips and level.path:
        level.paint = replace(level.paint, clip=_intersect(level.paint.clip, _enclose(level.path)))
    level.path, level.clips = [], False


def _enclose(points: Sequence[tuple[float, float]]) -> Box:
    """Return the smallest box around points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _intersect(box: Box, other: Box) -> Box:
    """Return the box that two boxes share; its right or top is the smaller one if they share none."""
    return max(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), min(box[3], other[3])


def _look_up(container: Any, key: str, operands: Sequence[Any] = ()) -> Mapping[str, Any]:
    """Return a dictionary inside of another one, or the one in it that the last operand names; else {}."""
    found = _resolve(container.get(key)) if isinstance(container, Mapping) else None
    if operands:
        return _look_up(found, str(operands[-1]))
    return found if isinstance(found, Mapping) else {}


def _resolve(value: Any) -> Any:
    """Return the object that a reference stands for, None for one of a damaged file."""
    if not hasattr(value, "get_object"):
        return value
    with suppress(Exception):  # A broken file may raise anything inside the library.
        return value.get_object()
    return None


def _is_named_white(level: _Level, kind: str, operands: Sequence[Any]) -> bool:
    """Return True if the shading, or the pattern of one, that the last operand names is white."""
    key = (kind, str(operands[-1]))
    if key not in level.white_names:
        found = _look_up(level.resources, kind, operands)
        shading = found if kind == "/Shading" else _look_up(found, "/Shading")
        level.white_names[key] = _is_white_shading(shading)
    return level.white_names[key]


def _is_white_shading(shading: Mapping[str, Any]) -> bool:
    """Return True if a shading begins and ends with white, and so does each part of it.

    A shading whose colours cannot be told without painting it, such as a mesh, is not white.
    """
    colours = list(_list_colours(shading.get("/Function"), depth=3))
    space = str(shading.get("/ColorSpace", ""))
    return 0 < len(colours) <= 2 * MAX_PARTS_OF_SHADING and all(_is_white(each, space) for each in colours)


def _list_colours(function: Any, depth: int) -> Iterator[Sequence[Any]]:
    """Yield the colours at both ends of a shading's function, and of the functions that it consists of."""
    function = _resolve(function)
    if isinstance(function, Sequence) and not isinstance(function, str):
        # One function for each component of the colour.
        parts = (
            [list(_list_colours(each, depth - 1)) for each in function[:MAX_PARTS_OF_SHADING]]
            if depth
            else []
        )
        yield from (tuple(number for colour in end for number in colour) for end in zip(*parts, strict=False))
    elif isinstance(function, Mapping):
        kind = function.get("/FunctionType")
        if kind == 2:
            yield function.get("/C0", (0,))
            yield function.get("/C1", (1,))
        elif kind == 3 and depth:
            for part in (_resolve(function.get("/Functions")) or ())[: MAX_PARTS_OF_SHADING + 1]:
                yield from _list_colours(part, depth - 1)


def _is_white(operands: Sequence[Any], space: str) -> bool:
    """Return True for a white colour. A single number is one only in a space of greys: it may be any ink."""
    numbers = [float(number) for number in operands]
    if len(numbers) == 4:
        return max(numbers) <= 1 - WHITE_LEVEL
    is_light = bool(numbers) and min(numbers) >= WHITE_LEVEL
    return is_light and (len(numbers) == 3 or (len(numbers) == 1 and ("/Device" in space or "Gray" in space)))


def _move(point: tuple[float, float], cm: Sequence[float]) -> tuple[float, float]:
    x, y = point
    return x * cm[0] + y * cm[2] + cm[4], x * cm[1] + y * cm[3] + cm[5]


def _add_area(level: _Level, points: Sequence[tuple[float, float]], *, is_white: bool) -> None:
    """Keep a painted area, as far as the clip leaves it."""
    if points and len(level.areas) < MAX_AREAS:
        level.areas.append((_intersect(_enclose(points), level.paint.clip), is_white))
    elif points:
        level.areas[-1] = (_EVERYWHERE, False)
