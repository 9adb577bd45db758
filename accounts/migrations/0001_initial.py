import django.core.validators
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("name", models.CharField(max_length=150, validators=[django.core.validators.MinLengthValidator(3)])),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                (
                    "type",
                    models.CharField(
                        choices=[("customer", "Customer"), ("agent", "Agent"), ("admin", "Admin")],
                        default="customer",
                        max_length=10,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Deactivated users cannot sign in. Their records are kept.",
                        verbose_name="active",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("deactivations", models.PositiveIntegerField(db_default=0, editable=False)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(django.db.models.functions.text.Upper("name"), models.F("id"), name="user_name")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("email"),
                        name="user_email_unique",
                        violation_error_message="This e-mail address is already in use.",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.GreaterThanOrEqual(
                            django.db.models.functions.text.Length(django.db.models.functions.text.Trim("name")), 3
                        ),
                        name="user_name_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["customer", "agent", "admin"])), name="user_type"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_superuser", False), ("type", "admin"), _connector="OR"),
                        name="user_superuser_is_admin",
                    ),
                ],
            },
        ),
    ]
