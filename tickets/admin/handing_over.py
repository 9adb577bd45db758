"""The pages that ask who gets the open tickets of a colleague: to hand them over, and before deactivating a user."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin.person_picker import PersonField
from accounts.models import User
from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors
from kit.text import counted
from tickets import services
from tickets.admin.bulk_actions import undo_url
from tickets.bulk import listed
from tickets.models import Assignment, Status


class ReceiverForm(forms.Form):
    """Who gets the tickets. Left out if there are none."""

    def __init__(self, *args: Any, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number = number = _open_tickets(giver)
        if number:
            self.fields["user"] = PersonField(
                Assignment._meta.get_field("user"),
                label=f"Hand {_counted(number).lower()} to",
                without=[giver.pk],
                required=False,
                help_text="If empty, they stay with their other assignees or become unassigned.",
            )


class HandOverPages(ServiceAdmin):
    def get_urls(self) -> list[Any]:
        hand_over = self.admin_site.admin_view(self.hand_over_view)
        deactivate = self.admin_site.admin_view(self.deactivate_view)
        return [
            path("of/<int:user_id>/hand-over/", hand_over, name="tickets_ticket_hand_over"),
            path("of/<int:user_id>/deactivate/", deactivate, name="tickets_ticket_deactivate"),
            *super().get_urls(),
        ]

    def hand_over_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        person, by, now = get_object_or_404(User, pk=user_id), staff_user(request), timezone.now()
        form = ReceiverForm(request.POST if request.method == "POST" else None, giver=person)
        if request.method == "POST" and form.is_valid():
            receiver = form.cleaned_data.get("user")
            with refusals_as_form_errors(form):
                handed = services.hand_over_all(
                    user_id=person.pk, to_id=receiver and receiver.pk, by=by, at=now, may_leave_rest=True
                )
                undo_id = services.keep_for_undo(handed, by=by, at=now)
                said = _handed(handed, person, receiver)
                self.message_user(request, said, messages.SUCCESS, undo_url(undo_id))
                return HttpResponseRedirect(_page(person))
        return self._ask(
            request, person, form, title=f"Hand over the open tickets of {person.name}", submit="Hand over"
        )

    def deactivate_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        person, by = get_object_or_404(User, pk=user_id), staff_user(request)
        users: Any = admin.site.get_model_admin(User)
        if not users.has_deactivate_permission(request, user_id):
            raise PermissionDenied
        form = ReceiverForm(request.POST if request.method == "POST" else None, giver=person)
        if request.method == "POST" and form.is_valid():
            receiver = form.cleaned_data.get("user")
            with refusals_as_form_errors(form):
                handed = services.deactivate(
                    user_id=person.pk, to_id=receiver and receiver.pk, by=by, at=timezone.now()
                )
                users.log_change(request, person, "Deactivated.")
                self.message_user(request, f"{person.name} has been deactivated.", messages.SUCCESS)
                if receiver:
                    self.message_user(request, _handed(handed, person, receiver), messages.SUCCESS)
                return HttpResponseRedirect(_page(person))
        notes = [
            f"{person.name} will be signed out and can no longer sign in.",
            "Bookings on waiting lists are cancelled. Other bookings and all records are kept.",
        ]
        title = f"Deactivate {person.name}?"
        return self._ask(request, person, form, title=title, submit="Deactivate", notes=notes, is_destructive=True)

    def _ask(
        self, request: HttpRequest, person: User, form: ReceiverForm, *, notes: Sequence[str] = (), **page: Any
    ) -> HttpResponse:
        verb = "is" if form.number == 1 else "are"
        notes = [*notes, f"{_counted(form.number)} {verb} assigned to {person.name}."]
        if form.number > services.MAX_HANDED_OVER:
            notes.append(f"Only {services.MAX_HANDED_OVER:,} can be handed over at once, the oldest first.")
        users: Any = admin.site.get_model_admin(User)
        return form_page(users, request, form, notes=notes, back=_page(person), row=person, **page)


def _open_tickets(person: User) -> int:
    """Count the tickets of a user that are not closed, up to one more than can be handed over."""
    unclosed = Assignment.objects.filter(user=person).exclude(ticket__status=Status.CLOSED).order_by()
    return unclosed[: services.MAX_HANDED_OVER + 1].count()


def _counted(number: int) -> str:
    if number > services.MAX_HANDED_OVER:
        return f"More than {services.MAX_HANDED_OVER:,} open tickets"
    return counted(number, "open ticket") if number else "No open tickets"


def _handed(handed: list[services.Reassigned], person: User, receiver: User | None) -> str:
    """Say which tickets went to whom, and which of them the receiver had already."""
    ids = [each.ticket_id for each in handed if each.is_changed]
    numbers = f" ({listed(ids)})" if ids else ""
    if receiver is None:
        return f"{counted(len(ids), 'ticket')} taken from {person.name}{numbers}."
    shared = sum(receiver.pk in each.before for each in handed)
    note = f" {counted(shared, 'ticket')} already had both assignees." if shared else ""
    return f"{counted(len(ids), 'ticket')} handed over from {person.name} to {receiver.name}{numbers}.{note}"


def _page(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])
