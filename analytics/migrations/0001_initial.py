"""The daily counts, the triggers that keep them, and the tickets that were there before them."""

from django.conf import settings
from django.db import migrations, models

# What a statement that wrote tickets did to the counts. `moved` is every ticket as it became (sign 1) and as it was
# (sign -1). The creators' rows are locked against a change of type, whose own trigger moves what is committed by then:
# either it sees these tickets, or this waits for it and reads the new type.
COUNT = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM now_there) THEN
        RETURN NULL;
    END IF;
    WITH moved AS ({moved}),
    cells AS (
        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,
            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices
        FROM moved
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0
    ),
    creators AS MATERIALIZED (
        SELECT id, type = 'customer' AS is_customer FROM accounts_user
        WHERE id IN (SELECT created_by_id FROM cells)
        ORDER BY id
        FOR SHARE
    ),
    changes AS (
        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,
            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent
        FROM cells LEFT JOIN creators ON creators.id = created_by_id
        GROUP BY 1, 2, 3, 4, 5
    )
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;
    RETURN NULL;
END
$$
"""

TRIGGERS = [
    COUNT.format(name="analytics_count_inserted", moved="SELECT 1 AS sign, * FROM now_there"),
    """
    CREATE TRIGGER analytics_count_inserted AFTER INSERT ON tickets_ticket
    REFERENCING NEW TABLE AS now_there
    FOR EACH STATEMENT EXECUTE FUNCTION analytics_count_inserted()
    """,
    COUNT.format(
        name="analytics_count_updated",
        moved="SELECT 1 AS sign, * FROM now_there UNION ALL SELECT -1, * FROM once_there",
    ),
    """
    CREATE TRIGGER analytics_count_updated AFTER UPDATE ON tickets_ticket
    REFERENCING OLD TABLE AS once_there NEW TABLE AS now_there
    FOR EACH STATEMENT EXECUTE FUNCTION analytics_count_updated()
    """,
    # Somebody became a customer, or is one no more: what their tickets cost counts as spent, or does not.
    """
    CREATE FUNCTION analytics_count_customer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE EXCEPTION 'a user''s type changes at READ COMMITTED alone: it must see the tickets committed by now'
                USING ERRCODE = 'feature_not_supported';
        END IF;
        INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
        SELECT (created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, type, 0,
            sum(CASE WHEN NEW.type = 'customer' THEN price ELSE -price END)
        FROM tickets_ticket
        WHERE created_by_id = NEW.id
        GROUP BY 1, 2, 3, 4, 5
        HAVING sum(price) <> 0;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER analytics_count_customer AFTER UPDATE ON accounts_user
    FOR EACH ROW WHEN ((OLD.type = 'customer') <> (NEW.type = 'customer'))
    EXECUTE FUNCTION analytics_count_customer()
    """,
    # References are checked at commit: a ticket may be there before its creator.
    """
    CREATE TRIGGER analytics_count_new_customer AFTER INSERT ON accounts_user
    FOR EACH ROW WHEN (NEW.type = 'customer')
    EXECUTE FUNCTION analytics_count_customer()
    """,
    # Last, when the triggers have already locked out writers.
    """
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT (ticket.created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, ticket.type, count(*),
        COALESCE(sum(price) FILTER (WHERE creator.type = 'customer'), 0)
    FROM tickets_ticket ticket JOIN accounts_user creator ON creator.id = created_by_id
    GROUP BY 1, 2, 3, 4, 5
    """,
]

UNDO = [
    "DROP TRIGGER analytics_count_new_customer ON accounts_user",
    "DROP TRIGGER analytics_count_customer ON accounts_user",
    "DROP FUNCTION analytics_count_customer",
    "DROP TRIGGER analytics_count_updated ON tickets_ticket",
    "DROP FUNCTION analytics_count_updated",
    "DROP TRIGGER analytics_count_inserted ON tickets_ticket",
    "DROP FUNCTION analytics_count_inserted",
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("tickets", "0001_initial"),
    ]

    operations = [
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
                        decimal_places=2,
                        help_text="The prices of those of the tickets that customers created.",
                        max_digits=20,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["day"], name="daily_count_day")]},
        ),
        migrations.RunSQL(TRIGGERS, UNDO),
    ]
