with steps as (

  select
    event_date,
    coalesce(campaign_id, 0) as campaign_id,
    user_id,
    event_type
  from {{ ref('stg_web__events') }}
  where event_date <= {{ as_of() }}

),

users as (

  select
    event_date,
    campaign_id,
    user_id,
    bool_or(event_type = 'visit') as visited,
    bool_or(event_type = 'click') as clicked,
    bool_or(event_type = 'signup') as signed_up
  from steps
  where event_type in ('visit', 'click', 'signup')
  group by event_date, campaign_id, user_id

),

counted as (

  select
    event_date as funnel_date,
    campaign_id,
    count(case when visited then 1 end) as visits,
    count(case when clicked then 1 end) as clicks,
    count(case when signed_up then 1 end) as signups
  from users
  group by event_date, campaign_id

),

-- every day has its row without a campaign, events or none
grain as (

  select
    series.funnel_date,
    cast(0 as bigint) as campaign_id
  from (select min(event_date) as first_day, {{ as_of() }} as last_day from steps) as life
  cross join unnest({{ date_series('life.first_day', 'life.last_day') }}) as series (funnel_date)
  union
  select
    funnel_date,
    campaign_id
  from counted

)

select
  grain.funnel_date,
  grain.campaign_id,
  coalesce(counted.visits, 0) as visits,
  coalesce(counted.clicks, 0) as clicks,
  coalesce(counted.signups, 0) as signups,
  {{ ratio('100 * counted.signups', 'counted.visits', 2, digits=0) }} as conversion_rate
from grain
left join counted on grain.funnel_date = counted.funnel_date and grain.campaign_id = counted.campaign_id
