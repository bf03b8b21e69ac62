{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which events are believed. `rule` names the first rule an event breaks, null when it keeps
-- them all: staging takes the rows without a rule, the quarantine takes the others, so that no event is in both and
-- none in neither. "Future" is told by the collector's own clock, never by ours, so that the same raw row always
-- meets the same verdict.
with read_so as (

  select
    events.event_id,
    events.user_id as written_user_id,
    events."timestamp" as written_occurred_at,
    {{ fixed('user_id', 'events.user_id', 'bigint') }} as user_id,
    {{ fixed('occurred_at', 'events."timestamp"', 'timestamp(6)') }} as occurred_at,
    events.session_id,
    events.event_type,
    events.received_at,
    events.properties,
    events.context,
    events._sdc_source_file as source_file,
    events._sdc_source_lineno as source_line,
    events._sdc_commit_seq as _commit_seq,
    events._sdc_sequence as _sequence,
    events._sdc_run_id as run_id,
    d.dismissed_rules,
    coalesce(d.is_fixed, false) as is_fixed,
    d.record_key is not null as is_decided
  from {{ source('raw_web', 'events') }} as events
  left join {{ decisions_on('web', 'events') }} as d on events.event_id = d.record_key

)

select
  *,
  {{ event_rule('written_user_id', 'written_occurred_at') }} as written_rule,
  {{ event_rule('user_id', 'occurred_at') }} as rule
from read_so
