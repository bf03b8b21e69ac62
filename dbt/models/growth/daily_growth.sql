with signups as (

  select
    user_id,
    signup_date
  from {{ ref('int_signups') }}
  where signup_date <= {{ as_of() }}

),

activity as (

  select
    signups.user_id,
    bool_or(days.active_date >= {{ add_days('signups.signup_date', 7) }}) as active_from_day_7,
    bool_or(days.active_date >= {{ add_days('signups.signup_date', 30) }}) as active_from_day_30
  from signups
  inner join {{ ref('int_active_days') }} as days
    on
      signups.user_id = days.user_id
      and days.active_date between signups.signup_date and {{ add_days('signups.signup_date', 90) }}
  where days.active_date <= {{ as_of() }}
  group by signups.user_id

),

purchases as (

  select
    signups.user_id,
    bool_or(
      orders.order_date between signups.signup_date and {{ add_days('signups.signup_date', 7) }}
    ) as ordered_within_7_days,
    sum(orders.revenue) as revenue
  from signups
  inner join {{ ref('fct_orders') }} as orders on signups.user_id = orders.customer_id
  where orders.order_date <= {{ as_of() }}
  group by signups.user_id

),

cohorts as (

  select
    signups.signup_date,
    count(*) as sign_ups,
    count(case when purchases.ordered_within_7_days then 1 end) as activated_users,
    count(case when activity.active_from_day_7 then 1 end) as active_from_day_7,
    count(case when activity.active_from_day_30 then 1 end) as active_from_day_30,
    count(purchases.user_id) as paying_customers,
    sum(purchases.revenue) as revenue
  from signups
  left join activity on signups.user_id = activity.user_id
  left join purchases on signups.user_id = purchases.user_id
  group by signups.signup_date

),

days as (

  select
    series.signup_date,
    {{ days_between('series.signup_date', 'life.last_day') }} as age
  from (select min(signup_date) as first_day, {{ as_of() }} as last_day from signups) as life
  cross join unnest({{ date_series('life.first_day', 'life.last_day') }}) as series (signup_date)

)

-- a share is known when its window has closed: earlier it could only grow, and would read as a fall in the latest cohorts
select
  days.signup_date,
  coalesce(cohorts.sign_ups, 0) as sign_ups,
  coalesce(cohorts.activated_users, 0) as activated_users,
  case when days.age >= 7 then {{ ratio('cohorts.activated_users', 'cohorts.sign_ups', 6, digits=0) }} end as activation_rate,
  case when days.age >= 90 then {{ ratio('cohorts.active_from_day_7', 'cohorts.sign_ups', 6, digits=0) }} end as day_7_retention,
  case when days.age >= 90 then {{ ratio('cohorts.active_from_day_30', 'cohorts.sign_ups', 6, digits=0) }} end as day_30_retention,
  coalesce(cohorts.paying_customers, 0) as paying_customers,
  {{ ratio('coalesce(cohorts.revenue, 0)', 'cohorts.sign_ups', 2) }} as ltv
from days
left join cohorts on days.signup_date = cohorts.signup_date
