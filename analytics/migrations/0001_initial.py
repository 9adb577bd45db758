from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("tickets", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedTicket",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tickets.ticket",),
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("accounts.user",),
        ),
        migrations.CreateModel(
            name="DailyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("project_id", models.BigIntegerField()),
                ("status", models.CharField(max_length=12)),
                ("priority", models.CharField(max_length=10)),
                ("type", models.CharField(max_length=50)),
                ("tickets", models.IntegerField()),
                (
                    "spent",
                    models.DecimalField(
                        decimal_places=2, help_text="Total price of the tickets that customers created.", max_digits=20
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="daily_count_day")],
            },
        ),
    ]
