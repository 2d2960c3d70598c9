"""Instances are made: from a short form, from an image, from their XML."""

from __future__ import annotations

from core.verbs.create.from_image import CREATE_FROM_IMAGE
from core.verbs.create.from_xml import CREATE_FROM_XML
from core.verbs.create.remove_seed import REMOVE_SEED
from core.verbs.create.short import CREATE

VERBS = (CREATE, CREATE_FROM_IMAGE, CREATE_FROM_XML, REMOVE_SEED)
