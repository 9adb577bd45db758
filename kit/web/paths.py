"""Which part of the site a request is for."""

from django.http import HttpRequest


def is_in_admin(request: HttpRequest) -> bool:
    """Return whether a page under /admin/ is requested."""
    return request.path_info.startswith("/admin/")
