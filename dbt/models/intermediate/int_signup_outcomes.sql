-- What became of each user who signed up by as_of, so far. Whether a window has closed stands beside what was seen in
-- it, because "not yet" and "no" look alike.
with signups as (

  select
    user_id,
    signup_date,
    {{ days_between('signup_date', as_of()) }} as age
  from {{ ref('int_signups') }}
  where signup_date <= {{ as_of() }}

),

activity as (

  select
    signups.user_id,
    bool_or(days.active_date >= {{ add_days('signups.signup_date', 7) }}) as is_active_from_day_7,
    bool_or(days.active_date >= {{ add_days('signups.signup_date', 30) }}) as is_active_from_day_30
  from signups
  inner join {{ ref('int_active_days') }} as days on signups.user_id = days.user_id
  where
    days.active_date between signups.signup_date and {{ add_days('signups.signup_date', 90) }}
    and days.active_date <= {{ as_of() }}
  group by signups.user_id

),

purchases as (

  select
    signups.user_id,
    bool_or(
      orders.order_date between signups.signup_date and {{ add_days('signups.signup_date', 7) }}
    ) as has_ordered_within_7_days,
    sum(orders.revenue) as revenue
  from signups
  inner join {{ ref('fct_orders') }} as orders on signups.user_id = orders.customer_id
  where orders.order_date <= {{ as_of() }}
  group by signups.user_id

)

select
  signups.user_id,
  signups.signup_date,
  signups.age >= 7 as are_7_days_over,
  signups.age >= 90 as are_90_days_over,
  coalesce(purchases.has_ordered_within_7_days, false) as has_ordered_within_7_days,
  coalesce(activity.is_active_from_day_7, false) as is_active_from_day_7,
  coalesce(activity.is_active_from_day_30, false) as is_active_from_day_30,
  purchases.user_id is not null as has_paid,
  coalesce(purchases.revenue, 0) as revenue
from signups
left join activity on signups.user_id = activity.user_id
left join purchases on signups.user_id = purchases.user_id
