"""Where a page of the admin is: its list, its object, and what the page does. The last one is the page's heading."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import Model
from django.db.models.options import Options
from django.urls import reverse
from django.utils.text import capfirst

register = template.Library()


@dataclass(frozen=True)
class Crumb:
    text: str
    url: str = ""


@register.inclusion_tag("admin/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: dict[str, Any]) -> dict[str, Any]:
    *above, page = crumbs(context)
    return {"above": above, "page": page, "has_heading": context.get("has_heading", False)}


def crumbs(context: dict[str, Any]) -> list[Crumb]:
    options: Options[Any] | None = context.get("opts")
    title = str(context.get("title") or context.get("content_title") or context["site_header"])
    if options is None:
        return [Crumb(title)]
    list_of_rows = Crumb(capfirst(str(options.verbose_name_plural)), _list_url(context, options))
    if context.get("cl"):
        return [Crumb(context["list_name"]) if "list_name" in context else list_of_rows]
    row = context.get("original") or context.get("object")
    if not isinstance(row, Model):
        return [list_of_rows, Crumb(f"Add {options.verbose_name}" if context.get("add") else title)]
    if "adminform" in context:
        return [list_of_rows, Crumb(str(row))]
    page = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    return [list_of_rows, Crumb(str(row), page), Crumb(_name_of_page(context, title))]


def _list_url(context: dict[str, Any], options: "Options[Any]") -> str:
    if not context["request"].user.has_perm(f"{options.app_label}.view_{options.model_name}"):
        return ""
    return reverse(f"admin:{options.app_label}_{options.model_name}_changelist")


def _name_of_page(context: dict[str, Any], title: str) -> str:
    if "action_list" in context:
        return "History"
    return "Delete" if "deleted_objects" in context else title
