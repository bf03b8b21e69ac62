{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['minute', 'event_type']) }}
{%- set decided = decided_events() %}

-- Windows of event time: an event counts in the minute it happened in, and a late one restates that minute.
with events as (

  select
    date_trunc('minute', occurred_at) as minute,
    event_type,
    event_id,
    user_id,
    is_late,
    _commit_seq
  from {{ ref('stg_web__events') }}

)

select
  minute,
  event_type,
  count(*) as events,
  count(distinct user_id) as users,
  count(case when is_late then 1 end) as late_events,
  max(_commit_seq) as _events_seq
from events
{% if is_incremental() %}
where minute in {{ touched_keys(
  'minute', [{'relation': 'events', 'column': '_events_seq'}],
  decided='select minute from events where event_id in (' ~ decided ~ ')'
) }}
{% endif %}
group by minute, event_type
