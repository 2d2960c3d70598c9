"""The mark of the operation that defined an instance, in the metadata of its definition. Pure.

Where a UUID was not chosen here it tells what was defined from what another console defined.
"""

from __future__ import annotations

from core.xml.tree import Element, attribute, parse

MADE = "urn:virtdeck:made:1"
"""The namespace of the mark."""
_BY = f"{{{MADE}}}by"


def maker_of(domain: Element) -> str:
    """Return the operation that a `<domain>` was defined by; empty: it does not say."""
    found = domain.find(f"metadata/{_BY}")
    return "" if found is None else attribute(found, "operation")


def maker_in(xml: str) -> str:
    """Return the operation that a definition is of. Raises XmlError."""
    return maker_of(parse(xml, "domain"))


def made_by(document: str, operation: str) -> str:
    """Return a definition with this mark, in the place of any other. Raises XmlError."""
    from lxml import etree  # see core.xml.tree

    from core.xml.definition.text import child, written

    root = parse(document, "domain", verbatim=True)
    found = root.find("metadata")
    metadata = child(root, "metadata") if found is None else found
    for old in metadata.findall(_BY):
        metadata.remove(old)
    made = etree.SubElement(metadata, _BY, nsmap={"made": MADE})
    made.set("operation", operation)
    return written(root)
