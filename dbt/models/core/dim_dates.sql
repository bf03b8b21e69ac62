-- Whole years, so that the calendar does not change from day to day: from the year of the first order to the year of
-- as_of.
with span as (

  select
    cast(date_trunc('year', min({{ business_date('placed_at') }})) as date) as first_day,
    cast(date_trunc('year', {{ as_of() }}) as date) as last_year
  from {{ ref('stg_shop__orders') }}

),

days as (

  select t.date_day
  from span
  cross join unnest({{ date_series('span.first_day', add_days(add_months('span.last_year', 12), -1)) }}) as t (date_day)

)

select
  date_day,
  {{ iso_weekday('date_day') }} as iso_weekday,
  case {{ iso_weekday('date_day') }}
    when 1 then 'Monday' when 2 then 'Tuesday' when 3 then 'Wednesday' when 4 then 'Thursday'
    when 5 then 'Friday' when 6 then 'Saturday' else 'Sunday'
  end as weekday_name,
  {{ iso_weekday('date_day') }} >= 6 as is_weekend,
  cast(date_trunc('week', date_day) as date) as week_start,
  {{ month_of('date_day') }} as month_start,
  {{ last_day_of_month('date_day') }} as month_end,
  cast(date_trunc('quarter', date_day) as date) as quarter_start,
  cast(extract(day from date_day) as integer) as day_of_month,
  cast(extract(month from date_day) as integer) as month_of_year,
  cast(extract(year from date_day) as integer) as calendar_year
from days
