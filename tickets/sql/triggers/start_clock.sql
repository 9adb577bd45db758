-- Start the SLA clock of a new ticket: fill in what the INSERT left out, and stop the clock of a ticket created closed.
-- BEFORE INSERT ON tickets_ticket, FOR EACH ROW.
-- sla/clock.py states the same rules in Python; tests/test_clock.py compares the two.
BEGIN
    NEW.sla_hours := coalesce(
        NEW.sla_hours, (SELECT hours FROM sla_slapolicy WHERE priority = NEW.priority)
    );
    NEW.sla_warn_at := coalesce(NEW.sla_warn_at, sla_warn_at(NEW.priority, NEW.created_at, NEW.sla_due_at));
    IF NEW.status = 'closed' THEN
        NEW.closed_at := coalesce(NEW.closed_at, NEW.created_at);
        NEW.sla_met := NEW.closed_at <= NEW.sla_due_at;
        NEW.held_at := NULL;
        NEW.hold_reason := '';
        NEW.sla_alarm_at := NULL;
        RETURN NEW;
    END IF;
    NEW.closed_at := NULL;
    NEW.sla_met := NULL;
    NEW.sla_alarm_at := CASE WHEN NEW.held_at IS NULL THEN NEW.sla_warn_at END;
    -- Bulk loads of old tickets set ticketing.quiet, so that nobody is warned about deadlines in the past.
    IF current_setting('ticketing.quiet', true) = 'on' AND NEW.sla_alarm_at <= now() THEN
        NEW.sla_alarm_at := CASE WHEN NEW.sla_due_at > now() THEN NEW.sla_due_at END;
    END IF;
    RETURN NEW;
END;
