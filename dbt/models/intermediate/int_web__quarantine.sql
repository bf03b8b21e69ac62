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
  deliveries.record_key,
  deliveries.user_id as customer_id,
  deliveries.rule,
  rules.dimension,
  rules.severity,
  rules.meaning as reason,
  {{ json_record([
    'event_id', 'user_id', 'session_id', 'event_type', 'occurred_at', 'received_at', 'properties', 'context', 'source_file',
    'source_line'
  ], 'deliveries') }} as raw_record,
  deliveries.run_id,
  deliveries._commit_seq
from deliveries
left join {{ ref('quality_rules') }} as rules
  on rules.source_system = 'web' and rules.source_table = 'events' and deliveries.rule = rules.rule
where deliveries.delivery = 1
