"""The forms of a ticket's pages in the admin."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from kit.admin.forms import MultiLineField, ServiceForm
from kit.web.fields import NO_CONTROL_CHARACTERS
from tickets.models import MAX_LABEL, MAX_LABELS, MAX_MESSAGE, Status
from tickets.models.label import normalized

STALE_FORM = (
    "Someone else changed this ticket while you were editing it, so your changes were not saved. "
    "The form below has kept your changes; save again to overwrite."
)


class LabelsField(forms.CharField):
    """Labels, separated by commas."""

    widget = UnfoldAdminTextInputWidget

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


class TicketForm(ServiceForm):
    labels = LabelsField(required=False, help_text="Separated by commas. Upper and lower case are the same.")
    # Detects a form that was opened before somebody else's change, which saving would undo.
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    # Set by the admin.
    is_stale = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields.pop("seen_version", None)
        elif "seen_version" in self.fields:
            self.fields["seen_version"].initial = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.is_stale:
            self.add_error(None, STALE_FORM)
        return cleaned


class ReplyForm(forms.Form):
    message = MultiLineField(
        max_length=MAX_MESSAGE,
        label="Reply to customer",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "data-shortcut": "reply"}),
    )
    is_internal = forms.BooleanField(
        required=False, label="Internal note (staff only)", widget=UnfoldBooleanWidget(attrs={"data-shortcut": "note"})
    )
    # Sent by the status buttons. Hidden here so that it is kept when the reply is refused.
    status = forms.TypedChoiceField(
        choices=[("", ""), *Status.choices], required=False, empty_value=None, widget=forms.HiddenInput
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
