"""Rewriting an instance's XML for the destination of a migration (nova-map 2.3). Pure."""

from core.xml.rewrite.reader import read_rewrites
from core.xml.rewrite.rewriter import renamed, rewrite

__all__ = ["read_rewrites", "renamed", "rewrite"]
