"""A generated secret key for development and the demo."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def local_secret(path: Path) -> str:
    """Return the key in the file `path`, generating it on first use."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(64))
            # The first process to link wins, and no process reads a half-written key.
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text()
    except PermissionError as error:
        raise ImproperlyConfigured(
            f"No access to {path}: it belongs to another user. Run as that user, or remove the file."
        ) from error
