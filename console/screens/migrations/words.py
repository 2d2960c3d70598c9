"""What a migration is in words, with the sign and the role each word has on screen. Pure."""

from __future__ import annotations

from rich.cells import cell_len

from console import format as fmt
from console.glyphs import glyphs
from console.screens.parts import Part
from console.screens.view import View, coarse_age
from console.status_signs import status_sign
from console.widgets.columns import Cell, CellValue, fit
from core.migration.report.report import downtime_of
from core.migration.report.words import sentences
from core.model import Confidence, Migration, SteerKind, Verdict
from core.model.text import clean

_VERDICT_ROLES = {
    Verdict.CONVERGES: "ok",
    Verdict.SLOWLY: "warning",
    Verdict.NOT: "error",
    Verdict.POST_COPY: "changing",
}
_UNSURE = {Confidence.LOW: "~", Confidence.MEDIUM: "~"}


def standing(row: Migration | None) -> list[Part]:
    """Sign and word for the header of a migration's own screens; nothing where it is gone."""
    if row is None:
        return []
    sign = status_sign(row.status)
    return [Part(f" {sign.glyph} {sign.word} ", sign.role)]


def name_of(row: Migration) -> str:
    """The instance's name, fit for a screen: a guest's owner may have chosen it."""
    return clean(row.name) or row.uuid


def destination_of(row: Migration) -> str:
    """Where it goes, as far as that is known."""
    return clean(row.to or row.uri) or fmt.UNKNOWN


def route(row: Migration, most: int | None = None) -> str:
    """From where to where; with `most` each host has at most so many cells."""
    ends = [clean(row.host), destination_of(row)]
    shown = ends if most is None else [shortened(end, most) for end in ends]
    return f" {glyphs().arrow} ".join(shown)


def shortened(text: str, most: int) -> str:
    """A name cut in its middle to at most `most` cells."""
    if cell_len(text) <= most:
        return text
    return "".join(piece for piece, _ in fit(text, most, cut="middle"))


def lost(view: View, row: Migration) -> bool:
    """Whether what is shown is old: it is not over, and its source told nothing for some time."""
    return not row.status.final and (bool(row.not_open) or bool(old(view, row)))


def old(view: View, row: Migration) -> str:
    """How old what is shown is: `40s`; empty: it is as good as new, or over."""
    if row.status.final:
        return ""
    if view.stale(row.host):
        return view.stale_age(row.host)
    forecast = row.forecast if row.status.copying else None
    if forecast is None or forecast.age(view.now()) is None:
        return ""
    return coarse_age(forecast.at, view.now())


def time_left(view: View, row: Migration) -> str:
    """The ETA in a few cells; `~` before one that is not certain."""
    forecast = row.forecast
    if not row.status.copying or forecast is None or forecast.eta is None or lost(view, row):
        return fmt.UNKNOWN
    return f"{_UNSURE.get(forecast.confidence, '')}{fmt.duration(forecast.eta)}"


def eta_words(view: View, row: Migration, *, short: bool = False) -> str:
    """The ETA with what it is worth: `12s left (8.0s to 20s, medium confidence)`."""
    forecast = row.forecast
    if not row.status.copying or forecast is None or lost(view, row):
        return ""
    if forecast.eta is None:
        return "time left unknown" if forecast.verdict is not Verdict.NOT else "no end in sight"
    between = ""
    if forecast.eta_low is not None and forecast.eta_high is not None:
        between = f"{fmt.duration(forecast.eta_low)} to {fmt.duration(forecast.eta_high)}, "
    sure = f"{forecast.confidence.value}{'' if short else ' confidence'}"
    return f"{fmt.duration(forecast.eta)} left ({between}{sure})"


def verdict_cell(view: View, row: Migration) -> Cell:
    """The verdict as a word in its role; greyed while the link is lost."""
    if row.not_open and not row.status.final:
        return Cell("its host is not open here", "muted")
    if lost(view, row):
        return Cell(f"as of {old(view, row)} ago", "muted")
    if row.status.final:
        return Cell(clean(row.outcome), "muted")
    if row.outcome:
        return Cell(clean(row.outcome), "warning")
    forecast = row.forecast
    if forecast is None or forecast.verdict is Verdict.UNKNOWN:
        return Cell(fmt.UNKNOWN, "muted")
    return Cell(forecast.verdict.value, _VERDICT_ROLES[forecast.verdict])


def took(view: View, row: Migration) -> float | None:
    """Seconds since the start, up to the end where it is over; None: not begun."""
    if row.started is None:
        return None
    until = row.ended or (None if lost(view, row) else view.now()) or _last_seen(row)
    return None if until is None else max(0.0, until - row.started)


def _last_seen(row: Migration) -> float | None:
    return row.sample.at if row.sample is not None else None


def expected_downtime(row: Migration) -> float | None:
    """Milliseconds the guest would stand still, or stood still once it is over.

    While post-copy runs libvirt's figure is nonsense, and nothing is expected any more.
    """
    if (measured := downtime_of(row)) is not None:
        return measured
    if row.status.final or row.status.switched:
        return None
    if row.forecast is not None and row.forecast.downtime is not None:
        return row.forecast.downtime
    return row.sample.downtime if row.sample is not None else None


def forecast_sentence(row: Migration) -> str:
    """The forecast in words while it copies; the outcome once it is over, or not as it should."""
    if row.status.final or row.outcome:
        return sentences(clean(row.outcome), clean(row.hint))
    expected = row.forecast if row.status.copying else None
    sentence = clean(expected.sentence) if expected is not None else ""
    return sentence[:1].upper() + sentence[1:]


def command_words(kind: SteerKind) -> str:
    """A command in words: `max downtime`, `post-copy bandwidth`."""
    return kind.value.replace("-", " ").replace("post copy", "post-copy")


def spaced(*pieces: CellValue) -> tuple[Cell, ...]:
    """Pieces side by side, three blanks apart; empty ones are left out."""
    cells: list[Cell] = []
    for piece in pieces:
        parts = (Cell(piece),) if isinstance(piece, str) else piece
        parts = (parts,) if isinstance(parts, Cell) else parts
        if not any(part.text for part in parts):
            continue
        cells += [Cell("   ")] if cells else []
        cells += parts
    return tuple(cells)
