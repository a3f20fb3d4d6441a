-- How long a failed webhook waits, so that a clock that is set back does not make the wait longer.

-- Milliseconds from the failure to the next attempt.
alter table webhooks add column wait_ms integer;

-- Webhooks that wait already: from their last attempt on.
update webhooks
set wait_ms = max(0, (next_attempt_at - coalesce(
    (select max(attempted_at) from webhook_deliveries where webhook_id = webhooks.id), next_attempt_at)) / 1000)
where next_attempt_at is not null;

-- Attempts of one event are numbered on, whatever the webhook's own count begins with.
create index webhook_deliveries_by_event on webhook_deliveries (webhook_id, event_id, attempt);
