"""The declaration of a verb: all that any surface, and the engine, know of it. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.model import Instance, InstanceState, ObjectKey, Observation, Request, State, Value
from core.model.passed_on import PassedOn
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.refusal import Refusal
from core.verbs.sequence import Steps
from core.verbs.situation import Decide, End, LookedAt, Send, Sent, Situation

SubjectKind = Literal["instance", "host", "pool", "volume", "network", "snapshot", "migration"]

COMMAND_GROUPS = ("pool", "network", "volume", "interface", "device", "nwfilter", "snapshot")
"""Kinds whose verbs are commands of a group, and so is what makes one of them."""

Rename = Callable[[str], str]
"""Returns what a host of another console's entry is called here."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What requests of one kind are for, as the parts of a sentence."""

    whom: str
    """`web on alpha`, `3 instances`."""
    many: bool

    @property
    def of_guest(self) -> str:
        """`the guest of web on alpha`."""
        return f"the {'guests' if self.many else 'guest'} of {self.whom}"

    @property
    def they_serve(self) -> str:
        """`it serves`."""
        return "they serve" if self.many else "it serves"

    @property
    def unwritten(self) -> str:
        """What a power cut loses."""
        return f"what {'their guests have' if self.many else 'its guest has'} not written to disk"


Sentences = Callable[[State, Sequence[Request]], Sequence[str]]


def _nothing(_: State, __: Sequence[Request]) -> Sequence[str]:
    return ()


def _no_caution(_: State, __: Request) -> Caution:
    return Caution.NONE


@dataclass(frozen=True, slots=True)
class Risk:
    """What a verb takes away: one rule for the screens and the command line."""

    caution: Caution = Caution.NONE
    """How it is confirmed at least, whatever it is for."""
    sentence: Callable[[Request, Subjects], str] | None = None
    """What it does to its subjects, naming them."""
    raised: Callable[[State, Request], Caution] = _no_caution
    """How one request is confirmed in the state as it is, where that is more."""
    before: Sentences = _nothing
    """What is to be said first of requests of this verb."""
    after: Sentences = _nothing
    """What it costs some of them beside."""
    warns: Sentences = _nothing
    """What is to be known of them that takes nothing away; screens ask for a yes then."""
    word: Callable[[State, Sequence[Request]], str] | None = None
    """What is typed for it; None: the name of the one subject, or how many there are."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the engine must know of an operation that more than calls one after the other carry out.

    `progress` is its own record of how far it is: the engine journals it and looks into nothing.
    """

    progress: type[Value]
    kept_as: str
    """The name under which older journals have the progress."""
    amendable: Callable[[Any], bool] = lambda _: False
    """Whether what it has come to may still change, although it is over."""
    renamed: Callable[[Any, Rename, str], Any] = lambda progress, _, __: progress
    """Its progress with the names its hosts have here; third, the address of its own host where
    that is not open."""
    told: Callable[[Any, float], Observation | None] = lambda _, __: None
    """What the state is told when another console has written the progress."""


def _no_refusals(_: State, __: Request, ___: str) -> Iterable[Refusal]:
    return ()


def _no_volumes(_: State, __: Request) -> Iterable[ObjectKey]:
    return ()


def _no_devices(_: Request) -> Iterable[str]:
    return ()


def _no_hosts(_: Request, __: Iterable[str]) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb. Surfaces are made from it; the engine carries out what `decide` says."""

    request: type[Request]
    title: str
    """As in a menu: `Shut down`."""
    help: str
    """One sentence, as in a help page."""
    doing: str
    """What a subject does meanwhile: `shutting down`."""
    group: str
    """The menu it is in."""
    key: str = ""
    """Its letter in that menu."""
    subject: SubjectKind = "instance"
    makes: SubjectKind | None = None
    """It is asked for at its `subject`, a host, and makes something of this kind: that is what its
    requests are for, by an id that was chosen before anything is sent (`at`)."""
    decide: Decide | None = None
    """Pure. With nothing sent yet, its answer is the first call. None: it is a workflow's."""
    steps: Steps | None = None
    """The calls of one that is a sequence of them: all of them are told before."""
    resumable: bool = False
    """A console that takes it over may send what was not sent yet."""
    calls: tuple[type[Call], ...] = ()
    """Those `decide` may ask for."""
    older_calls: Mapping[str, Call] = field(default_factory=dict)
    """How older journals name its calls."""
    workflow: Workflow | None = None
    waits: bool = False
    """It waits for a guest, and can be told to stop waiting."""
    overrides: frozenset[type[Request]] = frozenset()
    """Operations on the same subject beside which this one goes at once: a power cut is what helps
    against a call that does not return. Those that wait for a guest, or their turn, end."""
    beside: frozenset[type[Request]] = frozenset()
    """Operations on the same subject that go on beside this one: it steers what they follow."""
    single: bool = False
    """It is done to one at a time: its parameters are for one, or others would be in its way."""
    of_dead: bool = False
    """It is about a host that is dead: its `source`. What it does it does at another one."""
    by_hand: bool = False
    """Its command and its dialog are written by hand: what it is given does not fit in a form."""
    needs_description: bool = False
    """Its check, or what it takes away, depends on what only the subject's XML tells."""
    storage_for: tuple[str, ...] = ()
    """The fields of its request that are judged by all hosts' volumes, and by who uses them."""
    looks_at: frozenset[LookedAt] = frozenset()
    """What more is read of its instance, before it is begun and after each of its calls."""
    states: Mapping[InstanceState, tuple[str, str]] = field(default_factory=dict)
    """Why it makes no sense in a state, and the cure; a state that is not there is fine. `{name}`,
    `{host}` and `{restart}` are filled in."""
    during_jobs: bool = False
    """libvirt carries it out while a job of its own is under way."""
    during_move: bool = True
    """It leaves either half of a cold migration what it is, as long as that is neither confirmed
    nor reverted."""
    either_half: bool = False
    """It is of a cold migration: what names both of its halves names no other than that."""
    during_backups: bool = True
    """libvirt carries it out while a backup is under way; else it would wait for half a minute."""
    backs_up: bool = False
    """It is a backup: what is carried out during one goes on beside it."""
    refusals: Callable[[State, Request, str], Iterable[Refusal]] = _no_refusals
    """What else speaks against a request; last, the id of an operation that does not count."""
    stops: Callable[[State, Request, str], str] = lambda _, __, ___: ""
    """Why it must not go on, from what all hosts show before each of its calls; empty: it may.
    Last, its own operation's id. Its `decide` heeds that (`Situation.stop`)."""
    lets_run: Callable[[Instance], bool] | None = None
    """Whether an instance that does not run would do so after it: two copies must not."""
    needs_facts: bool = False
    """Its request is judged by what hosts said of themselves."""
    needs_host: bool = False
    """Its request is judged by what its host has: pools, volumes, networks, facts."""
    needs_networks: bool = False
    """And by what only the XML of its host's networks tells: their addresses, their bridges."""
    tries_document: bool = False
    """What its decision refuses by the document (`looks_at`) a rehearsal tells as well."""
    document_of: Callable[[State, Request], ObjectKey | None] = lambda _, request: request.subject
    """Whose document a rehearsal reads; None: nothing speaks against it there."""
    part: str = ""
    """The field that says which disk, device or filter of its subject is meant: its question names
    that."""
    own_id: Callable[[Mapping[str, Any]], str] = lambda _: ""
    """The id that the values of a request give what it makes; empty: any will do."""
    volumes: Callable[[State, Request], Iterable[ObjectKey]] = _no_volumes
    """The volumes of which a request needs more than their names."""
    devices: Callable[[Request], Iterable[str]] = _no_devices
    """The hosts by whose devices a request is judged."""
    risk: Risk = Risk()
    cancelled: str = "What it had begun is undone where that is possible."
    """What cancelling it means."""
    undo: Callable[[Situation], Request | None] | None = None
    """The request that takes it back once it is done, from the situation before its first call.
    Pure. None: nothing does; it returns None where what was before is not known, or was so."""
    tidies: Callable[[Situation, End], Send | None] = lambda _, __: None
    """What removes what nobody else would find, where one whose console ended is left as it is: it
    knows the end that is told then (`End.again`: its newest call did nothing). Pure."""
    leaves: Callable[[Request, Sequence[Sent]], CallAnswer | None] = lambda _, __: None
    """What one that did not end well has left behind, for the journal, from its calls. Pure."""
    passes_on: Callable[[Any], PassedOn] | None = None
    """What its command prints and exits with, from the `core.verbs.answer.CallAnswer` that its
    operation has brought. None: the words and the status of the operation itself."""
    preflight: Callable[[State, Request], Request] | None = None
    """The migration whose preflight is made before anything is sent: its blockers refuse it."""
    two_hosts: bool = False
    """It changes what two hosts have of its instance: what is done on either waits for it."""
    hosts: Callable[[Request, Iterable[str]], Iterable[str]] = _no_hosts
    """The hosts a request names beside its subject's, of those that are open."""

    @property
    def name(self) -> str:
        """The operator's word for it."""
        return self.request.verb

    @property
    def command(self) -> tuple[str, ...]:
        """The words of its command: `shutdown`; `pool start`; `snapshot create`, of an instance."""
        first, _, rest = self.name.partition("-")
        if first in COMMAND_GROUPS:
            return first, rest
        return (self.subject, self.name) if self.subject in COMMAND_GROUPS else (self.name,)

    def at(self, key: ObjectKey, new: str, values: Mapping[str, Any]) -> Request:
        """Return what is asked for with these values at an object.

        `new` is the id of what it makes, where it makes something that has none of its own.
        """
        if self.makes is not None:
            key = ObjectKey(self.makes, key.host, self.own_id(values) or new)
        return self.request(subject=key, **values)

    def about(self, key: ObjectKey) -> bool:
        """Whether it can be asked for about such an object."""
        return key.kind == self.subject
