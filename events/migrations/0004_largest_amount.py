"""The largest booking at the highest price comes to 99,999,999,990,000.00."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0003_book")]
    operations = [migrations.AlterField("bookingentry", "amount", models.DecimalField(decimal_places=2, max_digits=16))]
