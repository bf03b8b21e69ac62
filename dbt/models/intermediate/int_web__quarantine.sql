-- The events staging did not believe, one row per event and rule, in the quarantine's own columns.
with disbelieved as (

  select
    *,
    coalesce(event_id, source_file || ':' || cast(source_line as varchar)) as record_key
  from {{ ref('base_web__events') }}
  where rule is not null

),

deliveries as (

  select
    *,
    row_number() over (partition by record_key, rule order by _commit_seq, _sequence) as delivery
  from disbelieved

)

select
  'web' as source_system,
  'events' as source_table,
  record_key,
  user_id as customer_id,
  rule,
  case when rule like '%_present' then 'completeness' else 'accuracy' end as dimension,
  case
    when rule like '%_present' then 'the event has no ' || replace(rule, '_present', '')
    when rule = 'timestamp_not_before_2000' then 'the event says it happened before 2000: a clock that was never set'
    else 'the event says it happened more than 5 minutes after the collector received it'
  end as reason,
  {{ json_record([
    'event_id', 'user_id', 'session_id', 'event_type', 'occurred_at', 'received_at', 'properties', 'context', 'source_file',
    'source_line'
  ]) }} as raw_record,
  run_id,
  _commit_seq
from deliveries
where delivery = 1
