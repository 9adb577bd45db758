-- Keep the SLA clock of a ticket consistent when it is put on hold, resumed, closed, reopened or given a new deadline.
-- BEFORE UPDATE ON tickets_ticket, FOR EACH ROW, if its status or a column of its clock changed. Step 1: step 3 has to
-- see the final values.
-- It never moves a deadline itself: that takes a calendar, so the services do it. sla/clock.py states the same
-- rules in Python; tests/test_clock.py compares the two.
BEGIN
    -- `save()` may write NULLs over values that `start_clock` has set.
    NEW.sla_hours := coalesce(NEW.sla_hours, OLD.sla_hours);
    NEW.sla_warn_at := coalesce(NEW.sla_warn_at, OLD.sla_warn_at);
    IF NEW.sla_due_at <> OLD.sla_due_at AND NEW.sla_warn_at = OLD.sla_warn_at THEN
        NEW.sla_warn_at := sla_warn_at(NEW.priority, NEW.created_at, NEW.sla_due_at);
    END IF;
    IF NEW.status = 'closed' THEN
        -- The outcome stays as long as the ticket is closed.
        IF OLD.status = 'closed' THEN
            NEW.closed_at := OLD.closed_at;
            NEW.sla_met := OLD.sla_met;
        ELSE
            NEW.closed_at := coalesce(NEW.closed_at, date_trunc('milliseconds', clock_timestamp()));
            NEW.sla_met := coalesce(NEW.held_at, NEW.closed_at) <= NEW.sla_due_at;
        END IF;
        NEW.held_at := NULL;
    ELSE
        NEW.closed_at := NULL;
        NEW.sla_met := NULL;
    END IF;
    IF NEW.held_at IS NULL THEN
        NEW.hold_reason := '';
    END IF;
    -- What was left only counts for the deadline that it was measured for. The services move a stopped deadline only
    -- with the priority or the stop, and measure again: as much may be left as before.
    IF (NEW.closed_at IS NULL AND NEW.held_at IS NULL)
        OR (NEW.sla_due_at <> OLD.sla_due_at
            AND NEW.sla_left IS NOT DISTINCT FROM OLD.sla_left
            AND (NEW.priority, NEW.held_at, NEW.closed_at)
                IS NOT DISTINCT FROM (OLD.priority, OLD.held_at, OLD.closed_at)) THEN
        NEW.sla_left := NULL;
    END IF;
    NEW.sla_is_outdated := NEW.sla_is_outdated AND NEW.status = 'closed';
    IF NEW.status = 'closed' OR NEW.held_at IS NOT NULL THEN
        NEW.sla_alarm_at := NULL;
    ELSIF OLD.status = 'closed' OR OLD.held_at IS NOT NULL OR NEW.sla_due_at <> OLD.sla_due_at THEN
        NEW.sla_alarm_at := NEW.sla_warn_at;
    END IF;
    RETURN NEW;
END;
