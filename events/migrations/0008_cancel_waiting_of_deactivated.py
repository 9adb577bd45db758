"""Cancel the waiting bookings of users who were deactivated before a trigger did so. Those behind them are promoted."""

from django.db import migrations

CANCEL_WAITING = """
SELECT FROM events_inventory WHERE event_id IN (
    SELECT booking.event_id
    FROM events_booking AS booking JOIN accounts_user AS person ON person.id = booking.user_id
    WHERE booking.status = 'waiting' AND NOT person.is_active
)
ORDER BY event_id
FOR NO KEY UPDATE;
UPDATE events_booking AS booking SET status = 'cancelled', cancelled = quantity
FROM accounts_user AS person
WHERE person.id = booking.user_id AND booking.status = 'waiting' AND NOT person.is_active;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0007_booking_rules"),
        ("accounts", "0002_sql"),
        # Its triggers mail those who are promoted.
        ("notifications", "0005_promoted_by_hand"),
    ]

    operations = [migrations.RunSQL(CANCEL_WAITING, migrations.RunSQL.noop)]
