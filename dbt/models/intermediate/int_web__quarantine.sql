-- The events staging did not believe, one row per event and rule, in the quarantine's own columns.
with disbelieved as (

  select
    *,
    coalesce(event_id, source_file || ':' || cast(source_line as varchar)) as record_key
  from {{ ref('base_web__events') }}
  where written_rule is not null

),

deliveries as (

  select
    *,
    row_number() over (partition by record_key, written_rule order by _commit_seq, _sequence) as delivery
  from disbelieved

)

select
  'web' as source_system,
  'events' as source_table,
  bad.record_key,
  bad.user_id as customer_id,
  bad.written_rule as rule,
  rules.dimension,
  rules.severity,
  rules.meaning as reason,
  {{ json_record({
    'event_id': 'bad.event_id', 'user_id': 'bad.written_user_id', 'session_id': 'bad.session_id',
    'event_type': 'bad.event_type', 'occurred_at': 'bad.written_occurred_at', 'received_at': 'bad.received_at',
    'properties': 'bad.properties', 'context': 'bad.context', 'source_file': 'bad.source_file',
    'source_line': 'bad.source_line'
  }) }} as raw_record,
  bad.run_id,
  bad._commit_seq,
  {{ decided_status('false') }} as status
from deliveries as bad
left join {{ ref('quality_rules') }} as rules
  on rules.source_system = 'web' and rules.source_table = 'events' and bad.written_rule = rules.rule
where bad.delivery = 1
