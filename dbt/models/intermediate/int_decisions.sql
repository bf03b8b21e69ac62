-- The decisions in force: of each record and rule the latest, and what a fix says of the fields.
with latest as (

  select
    *,
    case when decision = 'fix' then fix else '{}' end as fields,
    row_number() over (
      partition by source_system, source_table, record_key, rule order by decided_at desc
    ) as decision_age
  from {{ source('quality', 'decisions') }}
  where decision in ('fix', 'release', 'dismiss')

)

select
  source_system,
  source_table,
  record_key,
  rule,
  decision,
  {%- for field in fixable_fields() %}
  {{ json_text('fields', '$.' ~ field) }} as fixed_{{ field }},
  {%- endfor %}
  decided_at
from latest
where decision_age = 1
