{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which events are believed. `rule` names the first rule an event breaks, null when it keeps
-- them all: staging takes the rows without a rule, the quarantine takes the others, so that no event is in both and
-- none in neither. "Future" is told by the collector's own clock, never by ours, so that the same raw row always
-- meets the same verdict.
with written as (

  select
    event_id,
    user_id as written_user_id,
    "timestamp" as written_occurred_at,
    session_id,
    event_type,
    received_at,
    properties,
    context,
    _sdc_source_file as source_file,
    _sdc_source_lineno as source_line,
    _sdc_commit_seq as _commit_seq,
    _sdc_sequence as _sequence,
    _sdc_run_id as run_id,
    {{ event_rule('user_id', '"timestamp"') }} as written_rule
  from {{ source('raw_web', 'events') }}

),

read_so as (

  select
    written.*,
    {{ fixed('user_id', 'written.written_user_id', 'bigint') }} as user_id,
    {{ fixed('occurred_at', 'written.written_occurred_at', 'timestamp(6)') }} as occurred_at,
    d.dismissed_rules,
    f.rule is not null as is_fixed,
    d.record_key is not null as is_decided
  from written
  left join {{ decisions_on('web', 'events') }} as d on written.event_id = d.record_key
  left join {{ fixes_on('web', 'events') }} as f on written.event_id = f.record_key and written.written_rule = f.rule

)

select
  *,
  {{ event_rule('user_id', 'occurred_at') }} as rule
from read_so
