"""Checked notes for people and programs: a table, JSON, and the notes with verdicts in them."""

from __future__ import annotations

from codegen.documents.checked.annotation import annotated
from codegen.documents.checked.json import as_json
from codegen.documents.checked.table import verdict_table

__all__ = ["annotated", "as_json", "verdict_table"]
