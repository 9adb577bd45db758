"""Projects that are deleted while they are in use."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from projects import services
from projects.models import Project
from projects.tests.factories import make_project
from tickets import services as ticket_services
from tickets.models import Ticket


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestDeleteDuringTicketCreation:
    def test_waits_and_is_refused(self, owner: User, signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        project, api = make_project(), signed_in(owner)
        is_created, is_deleted, create = Event(), Event(), ticket_services.create

        def create_slowly(**arguments: Any) -> Ticket:
            ticket = create(**arguments)
            is_created.set()
            is_deleted.wait(1)
            return ticket

        def post() -> Any:
            try:
                body = {"title": "Late", "project": project.pk}
                return api.post("/ticket", body, headers={"Idempotency-Key": "late"})
            finally:
                connection.close()

        monkeypatch.setattr(ticket_services, "create", create_slowly)
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(post)
            is_created.wait(5)
            with pytest.raises(services.ProjectHasTickets):
                services.delete(project_id=project.pk)
            is_deleted.set()

        assert answer.result().status_code == 201
        assert Project.objects.filter(pk=project.pk).exists()
