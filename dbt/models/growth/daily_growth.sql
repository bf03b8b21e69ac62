with cohorts as (

  select
    signup_date,
    bool_and(are_7_days_over) as are_7_days_over,
    bool_and(are_90_days_over) as are_90_days_over,
    count(*) as sign_ups,
    count(case when has_ordered_within_7_days then 1 end) as activated_users,
    count(case when is_active_from_day_7 then 1 end) as active_from_day_7,
    count(case when is_active_from_day_30 then 1 end) as active_from_day_30,
    count(case when has_paid then 1 end) as paying_customers,
    sum(revenue) as revenue
  from {{ ref('int_signup_outcomes') }}
  group by signup_date

),

days as (

  select series.signup_date
  from (select min(signup_date) as first_day, {{ as_of() }} as last_day from cohorts) as life
  cross join unnest({{ date_series('life.first_day', 'life.last_day') }}) as series (signup_date)

)

-- a share is known when its window has closed: before, it can only grow, and the latest cohorts would look like a
-- fall
select
  days.signup_date,
  coalesce(cohorts.sign_ups, 0) as sign_ups,
  coalesce(cohorts.activated_users, 0) as activated_users,
  case
    when cohorts.are_7_days_over then {{ ratio('cohorts.activated_users', 'cohorts.sign_ups', 6, digits=0) }}
  end as activation_rate,
  case
    when cohorts.are_90_days_over then {{ ratio('cohorts.active_from_day_7', 'cohorts.sign_ups', 6, digits=0) }}
  end as day_7_retention,
  case
    when cohorts.are_90_days_over then {{ ratio('cohorts.active_from_day_30', 'cohorts.sign_ups', 6, digits=0) }}
  end as day_30_retention,
  coalesce(cohorts.paying_customers, 0) as paying_customers,
  {{ ratio('cohorts.revenue', 'cohorts.sign_ups', 2) }} as ltv
from days
left join cohorts on days.signup_date = cohorts.signup_date
