-- The decisions in force: of each record and rule the latest, gathered into one row a record.
with latest as (

  select
    *,
    row_number() over (
      partition by source_system, source_table, record_key, rule order by decided_at desc
    ) as decision_age
  from {{ source('quality', 'decisions') }}
  where decision in ('fix', 'release', 'dismiss')

),

in_force as (

  select
    *,
    case when decision = 'release' then rule end as released_rule,
    case when decision = 'dismiss' then rule end as dismissed_rule,
    case when decision = 'fix' then fix else '{}' end as fields
  from latest
  where decision_age = 1

)

select
  source_system,
  source_table,
  record_key,
  ',' || {{ joined_values('released_rule', ',') }} || ',' as released_rules,
  ',' || {{ joined_values('dismissed_rule', ',') }} || ',' as dismissed_rules,
  bool_or(decision = 'fix') as is_fixed,
  {%- for field in fixable_fields() %}
  max_by({{ json_text('fields', '$.' ~ field) }}, decided_at) filter (where decision = 'fix') as fixed_{{ field }},
  {%- endfor %}
  max(decided_at) as decided_at
from in_force
group by source_system, source_table, record_key
