"""The table of the admin's lists, in a tenth of the theme's HTML.

The theme repeats its class names in every cell; here, kit/admin.css styles the table. It has what our lists use: no
fields to edit, sections, or actions in a row. test_lists.py refuses lists that ask for more.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, Model
from django.template import Library
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from unfold.templatetags.unfold_list import result_headers
from unfold.utils import display_for_field, display_for_value

register = Library()

CHECKBOX = "action_checkbox"
ICON = '<span class="label-{} material-symbols-outlined" title="{}">{}</span>'
ICONS = {
    True: format_html(ICON, "success", "Yes", "check_small"),
    False: format_html(ICON, "danger", "No", "close_small"),
}

# Renders a row's value in one column.
Value = Callable[[Model], SafeString]
# Renders a row's cell in one column, given the row and the URL of its page.
Cell = Callable[[Model, str], SafeString]


@register.inclusion_tag("admin/change_list_results.html", takes_context=True)
def list_table(context: dict[str, Any], cl: ChangeList) -> dict[str, Any]:
    headers = list(result_headers(cl))
    return {
        "cl": cl,
        "headers": headers,
        "sorted_columns": sum(header.get("sorted", False) for header in headers),
        "rows": list(_rows(cl, [header["text"] for header in headers])),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }


def _rows(cl: ChangeList, headers: list[str]) -> Iterator[SafeString]:
    cells = [_cell(cl, str(name), header) for name, header in zip(cl.list_display, headers, strict=True)]
    # Each page leads back to the filters that the list has now.
    filters = add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, "")
    for row in cl.result_list:
        url = cl.url_for_result(row) + filters
        html = SafeString()
        for cell in cells:
            html += cell(row, url)
        yield html


def _cell(cl: ChangeList, name: str, header: str) -> Cell:
    """Return the function that renders a column's cells. Narrow screens show the header in each of them."""
    if name == CHECKBOX:
        return _checkbox
    value = _value(cl, name)
    links = cl.list_display_links or ()
    tag = "th" if name in links[:1] else "td"
    start, end = format_html('<{} data-label="{}">', tag, header), format_html("</{}>", tag)
    if name in links:
        return lambda row, url: start + format_html('<a href="{}">{}</a>', url, value(row)) + end
    return lambda row, _: start + value(row) + end


def _checkbox(row: Model, _: str) -> SafeString:
    return format_html(
        '<td class="select" data-label="Select record">'
        '<input type="checkbox" class="action-select" name="_selected_action" value="{}"'
        ' aria-label="Select record"></td>',
        row.pk,
    )


def _value(cl: ChangeList, name: str) -> Value:
    """Return the function that renders a row's value: of the model's field, or else of the model admin's method."""
    empty = cl.model_admin.get_empty_value_display()
    try:
        field = cl.lookup_opts.get_field(name)
    except FieldDoesNotExist:
        method = getattr(cl.model_admin, name)
        if colours := getattr(method, "label", None):
            label = cache(partial(_label, colours))
            return lambda row: label(method(row))
        if_empty = getattr(method, "empty_value_display", empty)
        # Not cached: HTML and the same text unescaped would be the same key.
        return lambda row: conditional_escape(display_for_value(method(row), if_empty))
    if isinstance(field, BooleanField):
        return lambda row: ICONS[getattr(row, name)]
    shown = cache(lambda value: conditional_escape(display_for_field(value, field, empty)))
    return lambda row: shown(getattr(row, name))


def _label(colours: Mapping[str, str], value: tuple[str, str]) -> SafeString:
    """Return a label, given the code that has a colour, and the text."""
    code, text = value
    return format_html('<span class="label-{}">{}</span>', colours.get(code, "default"), text)
