"""Rewriting an instance's XML for the destination of a migration (nova-map 2.3). Pure."""

from core.xml.rewrite.rewriter import renamed, rewrite

__all__ = ["renamed", "rewrite"]
