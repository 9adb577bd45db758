from django.db import migrations

from kit import encryption

# The secrets of second factors, by the model of django-otp that has them.
SECRETS = [("otp_totp", "TOTPDevice", "key"), ("otp_static", "StaticToken", "token")]

# Encrypted texts are longer than what django-otp stores.
WIDEN = """
ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE text;
ALTER TABLE otp_static_statictoken ALTER COLUMN token TYPE text;
"""
NARROW = """
ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE varchar(80);
ALTER TABLE otp_static_statictoken ALTER COLUMN token TYPE varchar(16);
"""
REFUSE_PLAIN_TEXT = """
ALTER TABLE otp_totp_totpdevice ADD CONSTRAINT otp_totp_key_is_encrypted CHECK (key ~ '^gAAAAA');
ALTER TABLE otp_static_statictoken ADD CONSTRAINT otp_static_token_is_encrypted CHECK (token ~ '^gAAAAA');
"""
ACCEPT_PLAIN_TEXT = """
ALTER TABLE otp_totp_totpdevice DROP CONSTRAINT otp_totp_key_is_encrypted;
ALTER TABLE otp_static_statictoken DROP CONSTRAINT otp_static_token_is_encrypted;
"""


def encrypt(apps, _editor):
    rewrite(apps, encryption.encrypt)


def decrypt(apps, _editor):
    rewrite(apps, encryption.decrypt)


def rewrite(apps, change):
    for app, name, column in SECRETS:
        model = apps.get_model(app, name)
        for row_id, secret in list(model.objects.values_list("pk", column)):
            model.objects.filter(pk=row_id).update(**{column: change(secret)})


class Migration(migrations.Migration):
    """Encrypt the secrets of second factors under ENCRYPTION_KEYS, and refuse others from now on."""

    dependencies = [
        ("accounts", "0010_time_zone"),
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuthenticatorApp",
            fields=[],
            options={"proxy": True, "default_permissions": (), "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
        ),
        migrations.CreateModel(
            name="RecoveryCodes",
            fields=[],
            options={"proxy": True, "default_permissions": (), "indexes": [], "constraints": []},
            bases=("otp_static.staticdevice",),
        ),
        migrations.RunSQL(WIDEN, NARROW),
        migrations.RunPython(encrypt, decrypt),
        migrations.RunSQL(REFUSE_PLAIN_TEXT, ACCEPT_PLAIN_TEXT),
    ]
