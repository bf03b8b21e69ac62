{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which events are believed. `rule` names the first rule an event breaks, null when it keeps
-- them all: staging takes the rows without a rule, the quarantine takes the others, so that no event is in both and
-- none in neither. "Future" is told by the collector's own clock, never by ours, so that the same raw row always
-- meets the same verdict.
select
  event_id,
  user_id,
  session_id,
  event_type,
  "timestamp" as occurred_at,
  received_at,
  properties,
  context,
  _sdc_source_file as source_file,
  _sdc_source_lineno as source_line,
  _sdc_commit_seq as _commit_seq,
  _sdc_sequence as _sequence,
  _sdc_run_id as run_id,
  case
    when event_id is null then 'event_id_present'
    when user_id is null then 'user_id_present'
    when session_id is null then 'session_id_present'
    when event_type is null then 'event_type_present'
    when "timestamp" is null then 'timestamp_present'
    when received_at is null then 'received_at_present'
    when "timestamp" < timestamp '2000-01-01 00:00:00' then 'timestamp_not_before_2000'
    when "timestamp" > received_at + interval '5' minute then 'timestamp_not_in_the_future'
  end as rule
from {{ source('raw_web', 'events') }}
