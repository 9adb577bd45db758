from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0004_composed_text"),
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="project",
            options={"ordering": [kit.search.expressions.SortKey("name"), "id"]},
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(kit.search.expressions.SortKey("name"), models.F("id"), name="project_order"),
        ),
    ]
