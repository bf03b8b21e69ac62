"""Why a Meltano run failed: the authority on which line of its log says so, and on what is worth another try.

A tap and a target end with one line that names the thing, the place and the next step. Around it stand Meltano's own
words, and the complaint of the other plugin that its partner is gone; neither helps anybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CONSEQUENCES = re.compile(
    r"target (closed the pipe|stopped reading)|Block run completed|Run completed|BrokenPipe|Cannot start plugin|"
    r"Failed to retrieve state|Extractor failed|Loader failed|Extractor and loader failed"
)
_TRANSIENT = re.compile(
    r"connection refused|connection reset|connection (was )?closed|could(n't| not) connect|connection to server|"
    r"timed? ?out|timeout|temporar|unreachable|too many (429|5\d\d)|status (429|5\d\d)|starting up|shutting down|"
    r"terminating connection|in recovery mode|not yet accepting|lost connection|server has gone away|"
    r"server closed the connection|is being written by|was taken by another process|deadlock|database is locked|"
    r"were overtaken|moved on since|another run committed|read-only|too many connections|too many clients|"
    r"rewritten while it was read",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r"authentication failed|password|not accepted|permission denied|does not exist|no such (table|file)|No space",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Diagnosis:
    """The line a person should read, and whether trying again may help."""

    message: str
    transient: bool


@dataclass(frozen=True)
class Line:
    """A line of the log: who said it, at which level, and what."""

    speaker: str
    level: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether somebody called it an error."""
        return self.level in ("error", "critical")


def diagnose(lines: Sequence[Line], exit_code: int) -> Diagnosis:
    """The first error that is no mere consequence; without one, the last words that were said."""
    spoken = [line for line in lines if line.text]
    errors = [line for line in spoken if line.is_error and not _CONSEQUENCES.search(line.text)]
    own = [line for line in errors if line.speaker != "meltano"] or errors
    plugins = [line for line in spoken if line.speaker != "meltano" and not _CONSEQUENCES.search(line.text)]
    if own:
        said_by = f"{own[0].speaker}: "
        message = said_by + own[0].text.removeprefix(said_by)
    else:
        said = (plugins or spoken)[-1:]
        last = f"{said[0].speaker} said last: {said[0].text}" if said else "nobody said anything"
        message = f"Meltano ended with exit code {exit_code}; {last}"
    cause = message.partition(" Next: ")[0]
    return Diagnosis(message, bool(_TRANSIENT.search(cause)) and not _LASTING.search(cause))
