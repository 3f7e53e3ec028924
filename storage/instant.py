"""Times as the catalogue keeps them: text that sorts as time in every database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime kept as fixed-width ISO 8601 text, which sorts as time in every database."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """The text for a datetime; naive datetimes are a programming error."""
        if value is None:
            return None
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """The datetime for a text."""
        return None if value is None else datetime.fromisoformat(value)
