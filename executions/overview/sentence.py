"""The sentence above an overview, written from its numbers: what is wrong, who is missing, whether
all workers are there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Things that the sentence names; the rest it counts.
NAMED = 4
#: From this part of failed executions on, a flow is named.
FAILING = 0.05
#: Seconds after which it is worth a word that an execution waits for a worker.
LONG_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a sentence; with a `url` it is a link."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Failing:
    """A flow that fails: in `failed` of `ended` executions, since a time of the reader's clock."""

    name: str
    url: str
    failed: int
    ended: int
    since: str


@dataclass(frozen=True, slots=True)
class Unowned:
    """A failure without an owner; `version` is the one in which it came back, 0 where it is new."""

    name: str
    url: str
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The numbers that the sentence is written from."""

    span: str
    ended: int
    failed: int
    queued: int
    needs_person: int
    unowned: Sequence[Unowned] = ()
    unowned_count: int = 0
    failing: Sequence[Failing] = ()
    #: Whether it is about workers too; they are everybody's.
    tells_of_workers: bool = True
    #: None where nobody knows.
    online: int | None = 0
    silent: Sequence[str] = ()
    waits: float = 0.0
    waits_words: str = ""
    #: When the last failure was, in words; empty where there was none.
    last_failure: str = ""
    url_of_workers: str = ""
    url_of_queue: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the page says first. `things` is how many things need someone."""

    is_quiet: bool
    head: str
    pieces: Sequence[Text] = field(default_factory=list)
    things: int = 0

    @property
    def text(self) -> str:
        """All of it, to be copied."""
        return " ".join([self.head, "".join(piece.text for piece in self.pieces)]).strip()


def write(now: Situation) -> Sentence:
    """Say what the numbers mean."""
    told = [*_unowned(now), *_failing(now), *_workers(now), *_queue(now)]
    more = max(0, now.unowned_count - len(now.unowned))
    things = len(told) + more
    if not things:
        return _quiet(now)
    pieces: list[Text] = []
    for clause in told[:NAMED]:
        pieces += [*([Text(" ")] if pieces else []), *clause]
    if rest := things - min(len(told), NAMED):
        pieces.append(Text(f" And {rest} more."))
    verb = "thing needs" if things == 1 else "things need"
    return Sentence(False, f"{things} {verb} someone.", pieces, things)


def _unowned(now: Situation) -> list[list[Text]]:
    return [
        [
            Text(one.name, one.url),
            Text(
                f" is back since v{one.version} and has no owner."
                if one.version
                else " has no owner."
            ),
        ]
        for one in now.unowned
    ]


def _failing(now: Situation) -> list[list[Text]]:
    return [
        [Text(one.name, one.url), Text(f" fails in {_one_of(one)} since {one.since}.")]
        for one in now.failing
    ]


def _one_of(flow: Failing) -> str:
    if flow.failed == flow.ended:
        return "every execution"
    return f"1 of {max(2, round(flow.ended / flow.failed))}"


def _workers(now: Situation) -> list[list[Text]]:
    if not now.tells_of_workers:
        return []
    if now.online is None:
        return [[Text("Redis does not answer, so nobody knows which workers are online.")]]
    if not now.online:
        return [[Text("No worker is online.", now.url_of_workers)]]
    if not now.silent:
        return []
    number, total = len(now.silent), now.online + len(now.silent)
    verb = "is" if number == 1 else "are"
    return [[Text(f"{number} of {total} workers {verb} silent.", now.url_of_workers)]]


def _queue(now: Situation) -> list[list[Text]]:
    if now.waits < LONG_WAIT:
        return []
    return [
        [Text(f"An execution has waited for a worker for {now.waits_words}.", now.url_of_queue)]
    ]


def _quiet(now: Situation) -> Sentence:
    said = []
    number = f"{now.ended:,} execution{'' if now.ended == 1 else 's'} ended in the {now.span}"
    if not now.ended:
        said.append(f"Nothing ended in the {now.span}.")
    elif now.failed:
        said.append(
            f"{number}; {now.failed:,} failed, in failures that are owned, muted or resolved."
        )
    else:
        said.append(f"{number}, none failed.")
    waits = "Nothing waits" if not now.queued else f"{now.queued:,} wait"
    needed = "nobody is needed" if not now.needs_person else f"{now.needs_person:,} need a person"
    verb = "worker is" if now.online == 1 else "workers are"
    workers = f", {now.online} {verb} online" if now.tells_of_workers else ""
    said.append(f"{waits}, {needed}{workers}.")
    head = "Nothing needs someone."
    if not now.failed:
        head = f"All is quiet, since {now.last_failure}." if now.last_failure else "All is quiet."
    return Sentence(True, head, [Text(" ".join(said))])
