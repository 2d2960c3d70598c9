"""What libvirt changes of a network that runs: addresses of DHCP, names of DNS, port groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from core.model import Network, Request, State
from core.model.lists import listed
from core.model.network import DhcpHost, DnsHost, PortGroup
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.network.calls import NetworkUpdateCall, Section
from core.verbs.network.plan import tags_of
from core.verbs.network.requests import (
    AddDhcpHost,
    AddDnsHost,
    AddPortGroup,
    RemoveDhcpHost,
    RemoveDnsHost,
    RemovePortGroup,
)
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb

Entry = DhcpHost | DnsHost | PortGroup


def _xml(entry: Entry) -> str:
    from core.xml.new_network import dhcp_host_xml, dns_host_xml, port_group_xml

    if isinstance(entry, DhcpHost):
        return dhcp_host_xml(entry)
    return dns_host_xml(entry) if isinstance(entry, DnsHost) else port_group_xml(entry)


def _added(request: Any) -> Entry:
    """Return what a request adds."""
    if isinstance(request, AddDhcpHost):
        return DhcpHost(request.address, request.mac.lower(), request.name, request.duid)
    if isinstance(request, AddDnsHost):
        return DnsHost(request.address, request.names)
    return PortGroup(request.name, request.default, tags_of(request.vlan))


def _is(found: Any, added: Entry) -> bool:
    """Whether what is there is what was to be added: somebody else may have been faster."""
    told = (one for one in added.__struct_fields__ if one not in ("address", "beyond"))
    return found is not None and all(getattr(found, one) == getattr(added, one) for one in told)


def _name(entry: Entry) -> str:
    return entry.name if isinstance(entry, PortGroup) else entry.address


def _named(request: Any) -> str:
    by_name = isinstance(request, AddPortGroup | RemovePortGroup)  # AddDhcpHost has a name, too
    return str(request.name if by_name else request.address)


@dataclass(frozen=True, slots=True)
class EntryKind:
    """Entries of one kind: all in which the verbs differ."""

    section: Section
    word: str
    """What one is called."""
    entries: Callable[[Network], tuple[Any, ...]]
    field: str

    def found(self, network: object, name: str) -> Any:
        """Return the entry of a network; None: it has none."""
        known = self.entries(network) if isinstance(network, Network) else ()
        return next((one for one in known if _same(_name(one), name)), None)

    def steps(self, now: Situation) -> list[Step]:
        """Change it, in one call."""
        request, adds = now.request, now.request.verb.startswith("network-add")
        sent = next((one.call for one in now.sent), None)
        call = sent if isinstance(sent, NetworkUpdateCall) else self._call(now, adds=adds)

        def shows(later: Situation) -> bool:
            found = self.found(later.subject, _named(request))
            return _is(found, _added(request)) if adds else found is None

        verb = "adding" if adds else "removing"
        return [Step(call, f"{verb} the {self.word} {clean(_named(request))} of {now.name}", shows)]

    def _call(self, now: Situation, *, adds: bool) -> NetworkUpdateCall:
        network = now.subject
        entry = _added(now.request) if adds else self.found(network, _named(now.request))
        return NetworkUpdateCall(
            live=isinstance(network, Network) and network.active,
            config=not isinstance(network, Network) or network.persistent,
            section=self.section,
            xml="" if entry is None else _xml(entry),
            remove=not adds,
            parent=_parent(network, entry),
        )

    def outcome(self, now: Situation) -> str:
        """Say what is so then."""
        has = "has" if now.request.verb.startswith("network-add") else "no longer has"
        return f"{now.name} {has} the {self.word} {clean(_named(now.request))}"

    def undo(self, now: Situation) -> Request | None:
        """Return the opposite request; None: it would not bring all of it back."""
        request: Any = now.request
        if request.verb.startswith("network-add"):
            back: Request = _REMOVERS[type(request)](request.subject, _named(request))
            return back
        entry = self.found(now.subject, _named(request))
        if getattr(entry, "beyond", ()):
            return None  # less would be back than there was
        if isinstance(entry, DhcpHost):
            names = (entry.mac, entry.name, entry.duid)
            return AddDhcpHost(request.subject, entry.address, *names)
        if isinstance(entry, DnsHost):
            return AddDnsHost(request.subject, entry.address, entry.names)
        if isinstance(entry, PortGroup):
            vlan = ",".join(map(str, entry.vlans))
            return AddPortGroup(request.subject, entry.name, vlan, entry.default)
        return None

    def against(self, state: State, request: Request, _: str) -> Iterator[Refusal]:
        """Tell of what is there already, or not there, or makes no sense."""
        network = state.networks.get(request.subject)
        if network is None or not network.described:
            return
        name = _named(request)
        found, adds = self.found(network, name), request.verb.startswith("network-add")
        if adds and found is not None:
            text = f"{clean(network.name)} has the {self.word} {clean(name)} already"
            yield _no(self.field, text, "remove that one first")
        elif not adds and found is None:
            known = listed([clean(_name(one)) for one in self.entries(network)])
            text = f"{clean(network.name)} has no {self.word} {clean(name)}"
            yield _no(self.field, text, f"it has {known}" if known else "it has none")
        if adds and found is None:
            yield from _AGAINST[type(request)](network, request)


def _parent(network: object, entry: Entry | None) -> int:
    """Return in which `<ip>` an address of DHCP stands: else libvirt takes the first with DHCP."""
    if not isinstance(entry, DhcpHost) or not isinstance(network, Network):
        return -1
    for index, subnet in enumerate(network.addresses):
        with suppress(ValueError):
            if ip_address(entry.address) in ip_network(subnet, strict=False):
                return index
    return -1


def _same(one: str, other: str) -> bool:
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return one == other


def _no(field: str, text: str, cure: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, field)


def _against_dhcp(network: Network, request: Any) -> Iterator[Refusal]:
    try:
        address = ip_address(request.address)
    except ValueError:
        yield _no("address", f"{clean(request.address)} is no IP address", "give one of its own")
        return
    name = clean(network.name)
    subnets = [ip_network(one, strict=False) for one in network.addresses]
    if not network.dhcp_ranges and not network.dhcp_hosts:
        cure = "give it a range of DHCP: `virtdeck network edit`"
        yield _no("address", f"{name} has no DHCP", cure)
    elif not any(address in one for one in subnets):
        cure = f"give one of {listed([str(one) for one in subnets])}"
        yield _no("address", f"{address} is no address of {name}", cure)
    elif any(str(address) == one.partition("/")[0] for one in network.addresses):
        yield _no("address", f"{address} is the host's own", "give another")
    yield from _against_whose(network, request, address.version)


def _against_whose(network: Network, request: Any, version: int) -> Iterator[Refusal]:
    """Tell where a guest is not said, or by what DHCP of that version does not know it."""
    if version == 4 and not request.mac:
        yield _no("mac", "Whose address it is to be is not said", "give its MAC address")
    if version == 6 and not (request.name or request.duid):
        yield _no("name", "Whose address it is to be is not said", "give its host name or DUID")
    if version == 6 and request.mac:
        text = "DHCP of IPv6 knows no guest by its MAC address"
        yield _no("mac", text, "give its host name or DUID instead")
    if version == 4 and request.duid:
        yield _no("duid", "DHCP of IPv4 knows no guest by a DUID", "give its MAC address instead")
    for one in network.dhcp_hosts:
        if request.mac and one.mac == request.mac.lower():
            text = f"{request.mac.lower()} is given {clean(one.address)} already"
            yield _no("mac", text, "remove that one first")


def _against_dns(network: Network, request: Any) -> Iterator[Refusal]:
    try:
        ip_address(request.address)
    except ValueError:
        yield _no("address", f"{clean(request.address)} is no IP address", "give one")
    if not request.names:
        yield _no("names", "By which names it is known is not said", "give one at least")
    if not network.addresses:
        text = f"{clean(network.name)} has no addresses, and so no DNS"
        yield _no("address", text, "give it some: `virtdeck network edit`")


def _against_group(network: Network, request: Any) -> Iterator[Refusal]:
    wrong = [tag for tag in tags_of(request.vlan) if not 1 <= tag <= 4094]
    if wrong:
        yield _no("vlan", f"A VLAN of {wrong[0]} makes no sense", "give 1 to 4,094")
    default = next((one for one in network.port_groups if one.default), None)
    if request.default and default is not None:
        text = f"{clean(default.name)} is what interfaces have that ask for none"
        yield _no("default", text, "remove that one first")


_AGAINST: dict[type[Request], Callable[[Network, Any], Iterator[Refusal]]] = {
    AddDhcpHost: _against_dhcp,
    AddDnsHost: _against_dns,
    AddPortGroup: _against_group,
}
_REMOVERS: dict[type[Request], type[Any]] = {
    AddDhcpHost: RemoveDhcpHost,
    AddDnsHost: RemoveDnsHost,
    AddPortGroup: RemovePortGroup,
}
_DHCP = EntryKind("ip-dhcp-host", "DHCP address", lambda one: one.dhcp_hosts, "address")
_DNS = EntryKind("dns-host", "DNS entry", lambda one: one.dns_hosts, "address")
_GROUPS = EntryKind("portgroup", "port group", lambda one: one.port_groups, "name")


def _takes_group(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, RemovePortGroup)
    text = f"Takes the port group {clean(request.name)} from {subjects.whom}"
    return f"{text}: an interface that asks for it does not start again."


def _loses_group(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what a port group has."""
    lines = []
    for one in requests:
        group = _GROUPS.found(state.networks.get(one.subject), _named(one))
        has = [] if group is None else [clean(word) for word in group.beyond]
        if group is not None and group.vlans:
            tags = listed(list(map(str, group.vlans)))
            has.insert(0, f"the VLAN{'s' if len(group.vlans) > 1 else ''} {tags}")
        if group is not None and group.default:
            has.append("the interfaces that ask for none")
        if has:
            undone = "; that cannot be undone" if group.beyond else ""
            lines.append(f"It has {listed(has)}{undone}.")
    return lines


def _verb(kind: EntryKind, request: type[Request], title: str, help_: str, key: str,
          risk: Risk | None = None) -> Verb:  # fmt: skip
    return Verb(
        request,
        title=title,
        help=help_,
        doing="being changed",
        group="network",
        key=key,
        subject="network",
        decide=sequence(kind.steps, kind.outcome),
        steps=kind.steps,
        calls=(NetworkUpdateCall,),
        refusals=kind.against,
        needs_description=True,
        single=True,
        undo=kind.undo,
        part=kind.field,
        risk=risk or Risk(),
    )


VERBS = (
    _verb(_DHCP, AddDhcpHost, "Keep an address", "Keep an address of its DHCP for a guest.", "h"),
    _verb(_DHCP, RemoveDhcpHost, "Release an address",
          "Keep an address of its DHCP no longer.", "H"),
    _verb(_DNS, AddDnsHost, "Name an address", "Have its DNS know an address by names.", "d"),
    _verb(_DNS, RemoveDnsHost, "Forget an address",
          "Have its DNS no longer know an address.", "D"),
    _verb(_GROUPS, AddPortGroup, "Add a port group",
          "Give it a kind of port that interfaces may ask for.", "g"),
    _verb(_GROUPS, RemovePortGroup, "Remove a port group",
          "Take a kind of port away from it.", "G",
          Risk(Caution.CONFIRM, _takes_group, after=_loses_group)),
)  # fmt: skip
