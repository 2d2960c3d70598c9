"""Rewriting an instance's XML for the destination of a migration (nova-map 2.3). Pure."""

from core.xml.rewrite.abi import abi_differences
from core.xml.rewrite.rewriter import renamed, rewrite

__all__ = ["abi_differences", "renamed", "rewrite"]
