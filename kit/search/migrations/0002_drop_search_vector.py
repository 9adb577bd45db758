from importlib import import_module

from django.db import migrations

SEARCH_VECTOR = import_module("kit.search.migrations.0001_initial").SEARCH_VECTOR


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        # These replace the columns and indexes that call it.
        ("accounts", "0005_search_expression"),
        ("events", "0009_search_expression"),
        ("tickets", "0010_title_key"),
    ]

    operations = [
        migrations.RunSQL("DROP FUNCTION search_vector", SEARCH_VECTOR),
    ]
