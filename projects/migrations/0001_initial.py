import django.core.validators
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150, validators=[django.core.validators.MinLengthValidator(3)])),
                ("description", models.TextField(blank=True, max_length=20000)),
                (
                    "visibility",
                    models.CharField(
                        choices=[("everyone", "Everyone"), ("involved", "Involved")], default="everyone", max_length=10
                    ),
                ),
                ("system_name", models.CharField(blank=True, editable=False, max_length=20, null=True, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("name"),
                        name="project_name_unique",
                        violation_error_message="A project with this name already exists.",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.GreaterThanOrEqual(
                            django.db.models.functions.text.Length(django.db.models.functions.text.Trim("name")), 3
                        ),
                        name="project_name_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("visibility__in", ["everyone", "involved"])), name="project_visibility"
                    ),
                ],
            },
        ),
    ]
