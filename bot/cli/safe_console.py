"""Console of rich that escapes control characters in all that it prints."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bot.cli.safe_text import escape_controls


class SafeConsole(Console):
    """Console whose texts have no control characters. Colours, links and progress bars are the console's."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(escape_controls(segment.text), segment.style)
