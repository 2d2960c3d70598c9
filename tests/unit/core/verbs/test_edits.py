"""The table of what is edited as a whole: requests, words, and texts written in one hand."""

from __future__ import annotations

import pytest

from core.errors import XmlError
from core.model import Host, Network, ObjectKey, Pool, PoolState, State
from core.model.host import Link, LinkStatus
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.editing import Edit
from core.verbs.edits import EDITABLE
from core.verbs.network.requests import EditNetwork
from core.verbs.pool_editing import EditPool
from core.verbs.registry import VERBS
from core.xml.naming import named_as

NETWORK = (
    "<network>\n  <name>lab</name>\n  <uuid>u-lab</uuid>\n"
    "  <bridge name='br-a'/>\n  <domain name='a.example'/>\n</network>\n"
)
POOL = "<pool type='dir'>\n  <name>p</name>\n  <uuid>u-p</uuid>\n</pool>\n"
GUEST = (
    "<domain type='kvm'><name>web</name><devices>"
    "<graphics type='vnc' passwd='typed'/></devices></domain>"
)
LAB = Network("alpha", "u-lab", "lab", active=True, persistent=True)
KEPT = Pool("alpha", "u-p", "p", state=PoolState.ACTIVE, type="dir", persistent=True)
STATE = State(
    hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
    networks={LAB.key: LAB},
    pools={KEPT.key: KEPT},
)


def test_each_kind_has_the_request_of_its_verb_and_its_base() -> None:
    for verb, kind in (("edit", "instance"), ("network-edit", "network"), ("pool-edit", "pool")):
        entry = EDITABLE[kind]
        assert (entry.kind, entry.request) == (kind, VERBS[verb].request)
        assert VERBS[verb].subject == kind
        request = entry.asked(ObjectKey(kind, "alpha", "u"), "<x/>", "<base/>")
        assert (type(request), request.xml, request.base) == (entry.request, "<x/>", "<base/>")


def test_only_a_secret_of_an_instance_travels_beside_the_text() -> None:
    request = EDITABLE["instance"].asked(ObjectKey("instance", "alpha", "u"), GUEST, "")
    assert isinstance(request, Edit)
    assert "typed" not in request.xml
    assert [one.reveal() for one in request.secrets] == ["typed"]
    assert EDITABLE["network"].asked(LAB.key, NETWORK, "").xml == NETWORK


def test_what_differs_by_its_quotes_alone_or_is_left_out_is_not_shown_as_changed() -> None:
    kind = EDITABLE["network"]
    other = NETWORK.replace("'", '"').replace("  <uuid>u-lab</uuid>\n", "")
    before, after = kind.compared(EditNetwork(LAB.key, other, NETWORK))
    assert sorted(before.splitlines()) == sorted(after.splitlines())
    assert "  <uuid>u-lab</uuid>\n" in after
    assert kind.compared(EditNetwork(LAB.key, "<network", NETWORK)) == (NETWORK, "<network")


def test_what_changed_is_said_in_words_of_its_kind() -> None:
    kind = EDITABLE["network"]
    changed = NETWORK.replace("a.example", "b.example")
    assert kind.in_words(NETWORK, changed) == "domain name: a.example → b.example"
    assert kind.in_words(NETWORK, NETWORK.replace("\n  ", "\n")) == "blanks or comments only"
    assert kind.in_words(NETWORK, "<network") == "what was edited is not well-formed"
    assert kind.in_words(NETWORK, POOL) == "what was edited is not well-formed"


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("instance", None, "Secrets are ***, and kept."),
        ("network", LAB, "It runs on as it is until it is stopped and started."),
        ("pool", KEPT, "It runs on as it is until it is stopped and started."),
        ("network", Network("alpha", "u", "off"), "libvirt checks it by its schema."),
    ],
)
def test_from_when_on_it_counts_is_said_before_one_begins(
    kind: str, row: Network | Pool | None, said: str
) -> None:
    assert EDITABLE[kind].beforehand(row).startswith(said)


def test_what_runs_is_said_to_run_on_and_only_a_pool_wants_a_yes() -> None:
    changed = NETWORK.replace("br-a", "br-b")
    found = danger(STATE, EditNetwork(LAB.key, changed, NETWORK))
    assert found.caution is Caution.NONE
    assert found.text.splitlines() == [
        "Replaces the definition of the network lab on alpha: bridge name: br-a → br-b.",
        "lab runs on as it is until it is stopped and started.",
    ]
    found = danger(STATE, EditPool(KEPT.key, POOL, POOL))
    assert found.caution is Caution.CONFIRM
    assert found.text.splitlines() == [
        "Replaces the definition of the pool p on alpha.",
        "p runs on as it is until it is stopped and started.",
    ]


def test_a_name_and_uuid_that_are_left_out_are_not_told_as_removed() -> None:
    short = "<network><bridge name='br-b'/><domain name='a.example'/></network>"
    told = danger(STATE, EditNetwork(LAB.key, short, NETWORK)).text
    assert "bridge name: br-a → br-b" in told
    assert "removed" not in told


def test_what_is_no_xml_is_refused_once_with_its_line() -> None:
    wrong = NETWORK.replace("</network>", "</natwork>")
    (only,) = check(STATE, EditNetwork(LAB.key, wrong, NETWORK))
    assert str(only).startswith("Line 6: Opening and ending tag mismatch")
    (only,) = check(STATE, EditPool(KEPT.key, "<network/>", POOL))
    assert "The XML is a <network>, not a <pool>" in str(only)


def test_what_stands_on_a_line_stays_on_it_under_another_name() -> None:
    given = "<!-- mine\n-->\n<network>\n  <!-- two\n  -->\n  <bridge name='b'/>\n</network>"
    named = named_as(given, "network", "lab", "u-lab")
    assert named.splitlines()[5].endswith('<bridge name="b"/>')
    assert "<name>lab</name><uuid>u-lab</uuid>" in named


def test_a_name_with_a_comment_in_it_is_written_once() -> None:
    named = named_as("<network><name><!--c-->lab</name></network>", "network", "lab", "u-lab")
    assert "<name>lab</name>" in named


def test_what_an_operator_began_with_has_its_secrets_taken_out() -> None:
    given = "<domain><devices><graphics type='vnc' passwd='hunter2'/></devices></domain>"
    found = EDITABLE["instance"].as_edited(given)
    assert "hunter2" not in found
    assert 'passwd="***"' in found
    assert EDITABLE["instance"].as_edited(found) == found


@pytest.mark.parametrize(("kind", "given"), [("instance", ""), ("network", "<pool/>")])
def test_what_an_operator_began_with_is_a_definition(kind: str, given: str) -> None:
    with pytest.raises(XmlError):
        EDITABLE[kind].as_edited(given)
