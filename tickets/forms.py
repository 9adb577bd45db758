"""The forms of a ticket's pages in the admin."""

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from kit.admin.forms import MultiLineField, ServiceForm
from kit.admin.stale import StaleForm
from kit.web.fields import NO_CONTROL_CHARACTERS
from tickets.models import MAX_LABEL, MAX_LABELS, MAX_MESSAGE, Status
from tickets.models.label import normalized

STALE_FORM = (
    "Someone else changed this ticket while you were editing it, so your changes were not saved. "
    "The form below has kept your changes; save again to overwrite."
)


class LabelsInput(UnfoldAdminTextInputWidget):
    """A text field that suggests existing labels while somebody types."""

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        suggesting = {
            "data-labels": reverse("admin:tickets_ticket_labels"),
            "autocomplete": "off",
            "role": "combobox",
            "aria-autocomplete": "list",
            "aria-expanded": "false",
        }
        return super().build_attrs(base_attrs, extra_attrs) | suggesting

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["kit/labels.js"], css={"screen": ["kit/labels.css"]})


class LabelsField(forms.CharField):
    """Labels, separated by commas."""

    widget = LabelsInput
    default_validators = [NO_CONTROL_CHARACTERS]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        labels = normalized(super().clean(value).split(","))
        if len(labels) > MAX_LABELS:
            raise forms.ValidationError(f"A ticket can have at most {MAX_LABELS} labels; these are {len(labels)}.")
        if too_long := [label for label in labels if len(label) > MAX_LABEL]:
            raise forms.ValidationError(f"A label can have at most {MAX_LABEL} characters: {too_long[0]}")
        return labels

    def has_changed(self, initial: Any, data: Any) -> bool:
        return normalized((data or "").split(",")) != (initial or [])


class TicketForm(StaleForm, ServiceForm):
    # Of the price. Tickets have none of their own.
    currency = settings.CURRENCY
    labels = LabelsField(required=False, help_text="Separated by commas. Not case-sensitive.")
    # Detects a form that was opened before somebody else's change, which saving would undo.
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "price" in self.fields:
            self.fields["price"].label = f"Price ({settings.CURRENCY})"
        if self.instance.pk is None:
            self.fields.pop("seen_version", None)
        elif "seen_version" in self.fields:
            self.fields["seen_version"].initial = self.instance.version


class ReplyForm(forms.Form):
    """The reply box. Each of its buttons sends at most one of `is_internal`, `status` and `is_hold`."""

    message = MultiLineField(
        max_length=MAX_MESSAGE,
        label="Reply to customer",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": " ", "data-shortcut": "reply"}),
    )
    is_internal = forms.BooleanField(required=False, label="Internal note (staff only)", widget=forms.HiddenInput)
    status = forms.TypedChoiceField(
        choices=[("", ""), *Status.choices], required=False, empty_value=None, widget=forms.HiddenInput
    )
    is_hold = forms.BooleanField(required=False, label="Put on hold", widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=255,
        required=False,
        validators=[NO_CONTROL_CHARACTERS],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Reason for hold"}),
        label="Reason for hold",
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        max_length=255,
        required=False,
        validators=[NO_CONTROL_CHARACTERS],
        widget=UnfoldAdminTextInputWidget,
        label="Reason for hold",
        help_text="What the ticket is waiting for. Visible to everyone who can see the ticket.",
    )
