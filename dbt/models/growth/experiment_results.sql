-- A user belongs to the variant first shown to them; a conversion is a purchase on the web at or after that moment.
with shown as (

  select
    experiment,
    variant,
    user_id,
    occurred_at,
    row_number() over (partition by experiment, user_id order by occurred_at, event_id) as showing
  from {{ ref('stg_web__events') }}
  where experiment is not null and variant is not null and event_date <= {{ as_of() }}

),

purchases as (

  select
    user_id,
    max(occurred_at) as last_purchase_at
  from {{ ref('stg_web__events') }}
  where event_type = 'purchase' and event_date <= {{ as_of() }}
  group by user_id

),

counted as (

  select
    shown.experiment,
    shown.variant,
    count(*) as users,
    count(case when purchases.last_purchase_at >= shown.occurred_at then 1 end) as conversions
  from shown
  left join purchases on shown.user_id = purchases.user_id
  where shown.showing = 1
  group by shown.experiment, shown.variant

)

select
  counted.experiment,
  counted.variant,
  counted.users,
  counted.conversions,
  {{ ratio('counted.conversions', 'counted.users', 6, digits=0) }} as conversion_rate,
  {{ ratio(
    'counted.conversions * control.users - control.conversions * counted.users', 'control.conversions * counted.users',
    6, digits=0
  ) }} as lift,
  {{ wilson_bound('counted.conversions', 'counted.users', 'lower') }} as conversion_rate_low,
  {{ wilson_bound('counted.conversions', 'counted.users', 'upper') }} as conversion_rate_high
from counted
left join counted as control on counted.experiment = control.experiment and control.variant = 'control'
