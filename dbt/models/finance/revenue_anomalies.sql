-- How far a day's revenue is from the same weekday's usual one, in robust standard deviations: the median and the
-- median absolute deviation do not follow the outliers they are to find. The median of an even number of days is exact
-- to half a cent. What a day lacks is no news before the day is over: the last one may be going on, unless the run was
-- told that it stands at its end (AS_OF).
{%- set told = day_setting('AS_OF') %}
with days as (

  select
    revenue_date,
    total_revenue as revenue
  from {{ ref('daily_revenue') }}

),

weeks_before as (

  select
    days.revenue_date,
    before.revenue
  from days
  inner join days as before
    on
      before.revenue_date < days.revenue_date
      and before.revenue_date >= {{ add_days('days.revenue_date', -56) }}
      and {{ iso_weekday('before.revenue_date') }} = {{ iso_weekday('days.revenue_date') }}

),

expectations as (

  select
    revenue_date,
    count(*) as weeks,
    cast({{ median('revenue') }} as decimal(18, 3)) as expected
  from weeks_before
  group by revenue_date

),

spreads as (

  select
    weeks_before.revenue_date,
    cast({{ median('abs(weeks_before.revenue - expectations.expected)') }} as decimal(18, 4)) as mad
  from weeks_before
  inner join expectations on weeks_before.revenue_date = expectations.revenue_date
  group by weeks_before.revenue_date

),

scored as (

  select
    days.revenue_date,
    days.revenue,
    coalesce(expectations.weeks, 0) as weeks,
    expectations.expected,
    spreads.mad,
    {{ robust_distance('days.revenue', 'expectations.expected', 'spreads.mad', digits=8) }} as distance
  from days
  left join expectations on days.revenue_date = expectations.revenue_date
  left join spreads on days.revenue_date = spreads.revenue_date

)

select
  revenue_date,
  revenue,
  weeks,
  expected,
  mad,
  case when weeks >= 4 then distance end as robust_z,
  {{ is_out_of_the_ordinary('distance', 'weeks') }}
  and (
    revenue > expected
    or revenue_date < (select max(last.revenue_date) from days as last)
    {%- if told %} or revenue_date <= {{ told }}{% endif %}
  ) as is_anomaly
from scored
