"""Keep forms that were opened before somebody else's change from undoing it.

A change form carries a digest of each value that it shows; a ticket's, which has a history, its version. If the row has
changed by the time the form is sent, nothing is saved and the form is shown again: fields that the user edited keep the
user's values, all others get the current ones. Above the form, both versions of what others changed are side by side.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest, QueryDict
from django.utils.text import Truncator, get_text_list

from kit.admin.refusals import refusals_of
from kit.money import readable

# Limit of added rows that are kept; a request could claim any number.
MAX_ADDED_ROWS = 1000
MAX_SHOWN_TEXT = 200

STALE = (
    "Someone else changed this record while you were editing it ({}), so your changes were not saved. "
    "The form below has kept your changes; save again to overwrite."
)
UNREADABLE = (
    "Nothing was saved, because the form did not say which values it had shown. It now shows the current values, and "
    "what you had filled in is above it."
)
CONFLICT = "Someone else has set this to “{}”."


@dataclass(frozen=True)
class Difference:
    """A field or row that others changed: its value now, and what the user made of it, None if nothing.

    The history, if there is one, says what it was before, and who changed it, when and through which door.
    """

    label: str
    now: str
    yours: str | None
    before: str | None = None
    at: datetime | None = None
    by: str | None = None
    door: str = ""


@dataclass(frozen=True)
class Stale:
    """What others changed while a form was open. `conflicts` has the current values of fields the user edited too."""

    sentence: str
    conflicts: dict[str, str]
    differences: list[Difference]


class SeenField(forms.CharField):
    """The digests of the values that the form showed. Never counts as an edit."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class StaleForm(forms.ModelForm):
    """A form that refuses to be saved if it is stale."""

    # Set by the admin.
    stale: Stale | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.stale:
            self.add_error(None, self.stale.sentence)
            for name, current in self.stale.conflicts.items():
                self.add_error(name, CONFLICT.format(current))
        return cleaned


class SeenForm(StaleForm):
    """A form that says which values it has shown."""

    seen = SeenField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields.pop("seen", None)


class SeenAdmin:
    """Mix-in for model admins whose form is a `StaleForm`. Covers the inlines whose rows can be edited."""

    # The hidden field by which a form says what it has shown.
    seen_field = "seen"

    def lock(self, request: HttpRequest, row: Any) -> None:
        """Lock the row until the transaction ends. If a service locks others first, lock them here as well."""
        type(row)._base_manager.select_for_update(no_key=True).filter(pk=row.pk).first()

    def _changeform_view(self, request: HttpRequest, object_id: str | None, *args: Any) -> Any:
        """Compare the form with the row before it is saved. Django runs this, but not its caller, in a transaction."""
        if request.method == "POST" and object_id is not None and not refusals_of(request):
            self._compare(request, unquote(object_id))
        return super()._changeform_view(request, object_id, *args)  # type: ignore[misc]

    def _compare(self, request: HttpRequest, object_id: str) -> None:
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if row is None or not self.has_change_permission(request, row):  # type: ignore[attr-defined]
            return
        self.lock(request, row)
        # Read again, because somebody else may have held the lock.
        if row := self.get_object(request, object_id):  # type: ignore[attr-defined]
            form = self.get_form(request, row, change=True)(instance=row)
            request.POST, request.stale = self.rebase(request, row, form)  # type: ignore[attr-defined, assignment]

    def rebase(self, request: HttpRequest, row: Any, form: Any) -> tuple[QueryDict, Stale | None]:
        """Return what the user would have sent from the current page, and what others have changed.

        `form` is the current one, without data.
        """
        found = unbound_formsets(self, request, row)
        formsets = [formset for formset, inline in found if inline.has_change_permission(request, row)]
        return merge(request.POST, form, formsets, _seen(request.POST))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        form.stale = getattr(request, "stale", None)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add the hidden field to forms that change a row."""
        (title, options), *rest = super().get_fieldsets(request, obj)  # type: ignore[misc]
        names = [name for name in options["fields"] if name != self.seen_field]
        if obj is not None and self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            names = [self.seen_field, *names]
        return [(title, {**options, "fields": names}), *rest]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        form = context["adminform"].form
        context["stale"] = getattr(request, "stale", None)
        if "seen" in form.fields and not form.is_bound:
            formsets = [each.formset for each in context["inline_admin_formsets"] if each.has_change_permission]
            form.initial["seen"] = json.dumps(digests(form, formsets))
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]


def unbound_formsets(model_admin: Any, request: HttpRequest, row: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the formset of each inline as the page of the row shows it, and the inline."""
    for formset, inline in model_admin.get_formsets_with_inlines(request, row):
        queryset = inline.get_queryset(request)
        yield formset(instance=row, prefix=formset.get_default_prefix(), queryset=queryset), inline


def digests(form: forms.BaseForm, formsets: Sequence[Any]) -> dict[str, str]:
    """Return the digest of each value that the page shows, by the field's name and, in rows, the row's key."""
    return {name: digest(shown_by(bound)) for name, bound in _fields(form, formsets)}


def merge(
    sent: QueryDict, form: forms.BaseForm, formsets: Sequence[Any], seen: dict[str, str]
) -> tuple[QueryDict, Stale | None]:
    """Return what the user would have sent from the current page, and what others have changed.

    `form` and `formsets` are the current page, without data; `seen` has the digests of the page that the user has seen.
    """
    current = digests(form, formsets)
    if seen == current:
        return sent, None
    changed = {name for name in seen.keys() | current.keys() if seen.get(name) != current.get(name)}
    merged, conflicts, differences = sent.copy(), {}, []
    for name, bound in _fields(form, []):
        values = _merged(sent, name, bound, seen.get(name))
        put(merged, name, values)
        yours = values if name in seen else _sent(sent, name, bound)
        now, is_edited = _text(bound, shown_by(bound)), digest(yours) != digest(shown_by(bound))
        if name in changed and (name in seen or is_edited):
            differences.append(Difference(str(bound.label), now, _text(bound, yours) if is_edited else None))
        if name in changed and values != shown_by(bound):
            conflicts[name] = Truncator(now).chars(MAX_SHOWN_TEXT)
    labels = [str(bound.label) for name, bound in _fields(form, []) if name in changed]
    for formset in formsets:
        if any(name.startswith(f"{formset.prefix}-") for name in changed):
            differences += _row_differences(sent, formset, seen, current)
            _merge_rows(merged, sent, formset, seen)
            labels.append(str(formset.model._meta.verbose_name_plural))
    if "seen" in form.fields:
        merged["seen"] = json.dumps(current)
    sentence = STALE.format(get_text_list(labels, "and")) if seen and labels else UNREADABLE
    return merged, Stale(sentence, conflicts, differences)


def _merge_rows(merged: QueryDict, sent: QueryDict, formset: Any, seen: dict[str, str]) -> None:
    """Replace the rows by the current ones with the user's edits, followed by the rows that the user added."""
    prefix = formset.prefix
    initial, total = _numbers_of_rows(sent, prefix)
    places = _places(sent, formset)
    for name in [name for name in merged if name.startswith(f"{prefix}-") and not name.endswith("_NUM_FORMS")]:
        del merged[name]
    for row in formset.initial_forms:
        # A row that was not on the user's page is not in `seen` either, so its place is never read.
        place = places.get(str(row.instance.pk), -1)
        for name, bound in _fields(row, []):
            values = _merged(sent, f"{prefix}-{place}-{name}", bound, seen.get(_key(formset, row, name)))
            put(merged, row.add_prefix(name), values)
        for hidden in row.hidden_fields():
            put(merged, hidden.html_name, shown_by(hidden))
    kept = len(formset.initial_forms)
    added = range(initial, min(total, initial + MAX_ADDED_ROWS))
    for new_place, place in enumerate(added, start=kept):
        for name in [name for name in sent if name.startswith(f"{prefix}-{place}-")]:
            merged.setlist(name.replace(f"-{place}-", f"-{new_place}-", 1), sent.getlist(name))
    merged[f"{prefix}-INITIAL_FORMS"], merged[f"{prefix}-TOTAL_FORMS"] = str(kept), str(kept + len(added))


def _row_differences(
    sent: QueryDict, formset: Any, seen: dict[str, str], current: dict[str, str]
) -> Iterator[Difference]:
    """Yield the rows that others changed, added or removed."""
    rows, places = {str(row.instance.pk): row for row in formset.initial_forms}, _places(sent, formset)
    for pk in {**places, **rows}:
        # A row that others removed has the same fields as an empty one.
        row, place = rows.get(pk), places.get(pk)
        bounds = dict(_fields(row or formset.empty_form, []))
        keys = {name: f"{formset.prefix}-{pk}-{name}" for name in bounds}
        typed = {name: _sent(sent, f"{formset.prefix}-{place}-{name}", bound) for name, bound in bounds.items()}
        known = current | seen
        is_edited = pk in places and any(digest(typed[name]) != known.get(key) for name, key in keys.items())
        is_changed = any(seen.get(key) != current.get(key) for key in keys.values())
        if not is_changed or not (seen or is_edited):
            continue
        yield Difference(
            str(formset.model._meta.verbose_name).capitalize(),
            _row_text(bounds, {name: shown_by(bound) for name, bound in bounds.items()}) if row else "",
            _row_text(bounds, typed) if is_edited else None,
        )


def _row_text(bounds: dict[str, forms.BoundField], values: dict[str, dict[str, list[str]]]) -> str:
    if DELETION_FIELD_NAME in values and any(values[DELETION_FIELD_NAME].values()):
        return "(removed)"
    texts = [_text(bound, values[name]) for name, bound in bounds.items() if name != DELETION_FIELD_NAME]
    return ", ".join(text for text in texts if text)


def _numbers_of_rows(sent: QueryDict, prefix: str) -> tuple[int, int]:
    """Return how many rows the page had, and how many were sent."""
    initial, total = (number_or_zero(sent.get(f"{prefix}-{which}_FORMS", "")) for which in ("INITIAL", "TOTAL"))
    return initial, total


def _places(sent: QueryDict, formset: Any) -> dict[str, int]:
    """Return the place of each row that the page had, by its key."""
    prefix, pk = formset.prefix, formset.model._meta.pk.name
    shown = range(min(*_numbers_of_rows(sent, prefix), MAX_ADDED_ROWS))
    return {key: place for place in shown if (key := sent.get(f"{prefix}-{place}-{pk}"))}


def _merged(sent: QueryDict, name: str, bound: forms.BoundField, seen: str | None) -> dict[str, list[str]]:
    """Return the user's value if it is an edit, or else the current value."""
    yours = _sent(sent, name, bound)
    return shown_by(bound) if seen is None or digest(yours) == seen else yours


def _sent(sent: QueryDict, name: str, bound: forms.BoundField) -> dict[str, list[str]]:
    return {suffix: sent.getlist(f"{name}{suffix}") for suffix in shown_by(bound)}


def _fields(form: forms.BaseForm, formsets: Sequence[Any]) -> Iterator[tuple[str, forms.BoundField]]:
    """Yield the fields that the user can edit."""
    yield from ((bound.name, bound) for bound in form.visible_fields() if not bound.field.disabled)
    for formset in formsets:
        for row in formset.initial_forms:
            yield from ((_key(formset, row, name), bound) for name, bound in _fields(row, []))


def _key(formset: Any, row: Any, name: str) -> str:
    return f"{formset.prefix}-{row.instance.pk}-{name}"


def shown_by(bound: forms.BoundField) -> dict[str, list[str]]:
    """Return what a browser sends for a field that nobody edits, by the suffix of each input's name."""
    widget, value = bound.field.widget, bound.value()
    if not isinstance(widget, forms.MultiWidget):
        return {"": _sent_by(widget, value)}
    suffixes: list[str] = widget.widgets_names  # type: ignore[attr-defined]
    parts = zip(suffixes, widget.widgets, widget.decompress(value) or [], strict=True)
    return {suffix: _sent_by(part, each) for suffix, part, each in parts}


def _sent_by(widget: forms.Widget, value: Any) -> list[str]:
    if isinstance(widget, forms.CheckboxInput):
        return ["on"] if widget.check_test(value) else []
    shown = widget.format_value(value)
    values = shown if isinstance(shown, list) else [shown]
    return ["" if each is None else str(each) for each in values]


def digest(values: dict[str, list[str]]) -> str:
    """Return the digest of what a field shows or sends."""
    # Browsers send line breaks as \r\n, whatever the page had.
    lines = {suffix: [each.replace("\r\n", "\n") for each in parts] for suffix, parts in values.items()}
    return hashlib.blake2b(json.dumps(lines).encode(), digest_size=8).hexdigest()


def _seen(sent: QueryDict) -> dict[str, str]:
    try:
        seen = json.loads(sent.get("seen", ""))
    except (ValueError, RecursionError):
        return {}
    return seen if isinstance(seen, dict) else {}


def put(sent: QueryDict, name: str, values: dict[str, list[str]]) -> None:
    """Replace the values of a field."""
    for suffix, each in values.items():
        sent.setlist(f"{name}{suffix}", each)


def _text(bound: forms.BoundField, values: dict[str, list[str]]) -> str:
    """Return a value of the field, as a browser sends it, in the words of the page."""
    field, text = bound.field, " ".join(part for parts in values.values() for part in parts)
    if isinstance(field, forms.ModelChoiceField):
        with suppress(ValidationError):
            return str(field.to_python(text) or "")
    elif isinstance(field, forms.ChoiceField):
        names = {str(value): str(label) for value, label in field.choices}  # type: ignore[misc, union-attr]
        return names.get(text, text)
    elif isinstance(field, forms.BooleanField):
        return "yes" if text else "no"
    elif isinstance(field, forms.DecimalField) and (currency := _currency(bound.form)):
        with suppress(ValidationError):
            amount = field.to_python(text)
            return "" if amount is None else readable(amount, currency)
    return text


def _currency(form: Any) -> str:
    """Return the currency of a form's amounts: its record's, or else its own."""
    currency: str = getattr(form.instance, "currency", "") or getattr(form, "currency", "")
    return currency


def number_or_zero(text: str) -> int:
    """Return the number, or 0 for anything that cannot be a number of rows or a version."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
