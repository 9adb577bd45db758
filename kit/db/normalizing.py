"""For migrations: normalize text that was stored before constraints required it."""

from typing import Any

import structlog
from django.db.models import Model

from kit.db.text import IsComposed
from kit.email_addresses import UnusableAddress, is_usable, normalized
from kit.text import composed

logger = structlog.get_logger(__name__)


def compose(model: type[Model], *columns: str, shortest: int = 1, is_unique: bool = False) -> None:
    """Compose the text of columns. If that would make two rows equal, append the id of the changed row."""
    rows = model._base_manager
    for column in columns:
        longest: Any = model._meta.get_field(column).max_length  # type: ignore[union-attr]
        for pk, text in rows.exclude(IsComposed(column)).order_by("pk").values_list("pk", column):
            # Composed text is usually shorter, so it may be too short now.
            new = composed(text)[:longest].ljust(shortest, ".")
            if is_unique and rows.exclude(pk=pk).filter(**{f"{column}__iexact": new}).exists():
                suffix = f" ({pk})"
                new = new[: longest - len(suffix)] + suffix
            rows.filter(pk=pk).update(**{column: new})


def normalize_addresses(model: type[Model], column: str, *, is_unique: bool = False) -> None:
    """Normalize the addresses of a column. Replace those that are unusable or taken with ones that belong to nobody."""
    rows = model._base_manager
    unusable = rows.exclude(is_usable(column)).exclude(**{column: ""})
    for pk, address in unusable.order_by("pk").values_list("pk", column):
        try:
            new = normalized(address)
        except UnusableAddress:
            new = ""
        if not new or (is_unique and rows.exclude(pk=pk).filter(**{f"{column}__iexact": new}).exists()):
            new = f"{model._meta.model_name}-{pk}@unusable.invalid"
            logger.warning("address_replaced", table=model._meta.db_table, id=pk, address=address, replacement=new)
        rows.filter(pk=pk).update(**{column: new})
