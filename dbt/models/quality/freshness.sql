-- How far each stream lies behind the company's clock, which is the latest day that any stream of daily_volumes has
-- brought, never the wall clock.
with latest as (

  {%- for stream in contracts().values() | selectattr('freshness') %}
  select
    '{{ stream.system }}' as source_system,
    '{{ stream.table }}' as source_table,
    '{{ stream.owner }}' as owner,
    {{ stream.freshness.days }} as allowed_days,
    max({{ business_date(stream.freshness.by) }}) as latest_day
  from {{ ref('stg_' ~ stream.system ~ '__' ~ stream.table) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}

),

clock as (

  select max(volume_date) as company_day
  from {{ ref('daily_volumes') }}

)

select
  latest.source_system,
  latest.source_table,
  latest.owner,
  latest.latest_day,
  clock.company_day,
  {{ days_between('latest.latest_day', 'clock.company_day') }} as days_behind,
  latest.allowed_days,
  coalesce({{ days_between('latest.latest_day', 'clock.company_day') }} <= latest.allowed_days, false) as is_fresh
from latest
cross join clock
