"""django-otp's devices, with encrypted secrets."""

import pgtrigger
from django.utils.crypto import constant_time_compare
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from kit import encryption
from kit.db.triggers import trigger


class AuthenticatorApp(TOTPDevice):
    """django-otp's device for TOTP, whose `key` is stored encrypted. The database refuses any other."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "accounts/audit_second_factor",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Delete,
            )
        ]

    @property
    def bin_key(self) -> bytes:
        """Return the secret that the app computes its codes with. django-otp reads it nowhere else."""
        return bytes.fromhex(encryption.decrypt(self.key))


class RecoveryCodes(StaticDevice):
    """django-otp's device for single-use codes, which are stored encrypted. The database refuses any others."""

    class Meta:
        proxy = True
        default_permissions = ()

    def verify_token(self, token: str) -> bool:
        """Use the code up if it is one of those left, as django-otp does. There are too few to need an index."""
        if not self.verify_is_allowed()[0]:
            return False
        unused = (each for each in self.token_set.all() if constant_time_compare(encryption.decrypt(each.token), token))
        match = next(unused, None)
        if match is None:
            self.throttle_increment()
            return False
        match.delete()
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True
