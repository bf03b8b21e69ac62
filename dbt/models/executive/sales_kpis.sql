{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='as_of', full_refresh=false) }}

-- Each as_of looks at three spans of days: its month so far, the month before up to the same day (or its last, if it is
-- shorter), and the whole month before. What would reach before the first day of the data is null, not small.
with spans as (

  select
    days.as_of,
    'mtd' as span,
    {{ month_of('days.as_of') }} as first_day,
    days.as_of as last_day
  from {{ as_of_days() }} as days
  union all
  select
    days.as_of,
    'last_month_to_same_day' as span,
    {{ add_months(month_of('days.as_of'), -1) }} as first_day,
    {{ add_months('days.as_of', -1) }} as last_day
  from {{ as_of_days() }} as days
  union all
  select
    days.as_of,
    'last_month' as span,
    {{ add_months(month_of('days.as_of'), -1) }} as first_day,
    {{ add_days(month_of('days.as_of'), -1) }} as last_day
  from {{ as_of_days() }} as days

),

known_spans as (

  select *
  from spans
  where span = 'mtd' or first_day >= (select min(order_date) from {{ ref('fct_orders') }})

),

sales_by_day as (

  select
    order_date,
    sum(revenue) as revenue,
    count(*) as orders,
    sum(units) as units
  from {{ ref('fct_orders') }}
  group by order_date

),

sales as (

  select
    known_spans.as_of,
    known_spans.span,
    coalesce(sum(sales_by_day.revenue), 0) as revenue,
    coalesce(sum(sales_by_day.orders), 0) as orders,
    coalesce(sum(sales_by_day.units), 0) as units
  from known_spans
  left join sales_by_day on sales_by_day.order_date between known_spans.first_day and known_spans.last_day
  group by known_spans.as_of, known_spans.span

),

sessions_by_day as (

  select
    session_date,
    count(*) as sessions,
    sum(case when has_purchase then 1 else 0 end) as purchase_sessions
  from {{ ref('fct_sessions') }}
  group by session_date

),

web as (

  select
    known_spans.as_of,
    known_spans.span,
    sum(sessions_by_day.sessions) as sessions,
    sum(sessions_by_day.purchase_sessions) as purchase_sessions
  from known_spans
  left join sessions_by_day on sessions_by_day.session_date between known_spans.first_day and known_spans.last_day
  group by known_spans.as_of, known_spans.span

),

customer_days as (

  select
    active.user_id,
    active.active_date
  from {{ ref('int_active_days') }} as active
  inner join {{ ref('dim_customers') }} as customers on active.user_id = customers.customer_id

),

active as (

  select
    known_spans.as_of,
    known_spans.span,
    count(distinct customer_days.user_id) as active_customers
  from known_spans
  left join customer_days on customer_days.active_date between known_spans.first_day and known_spans.last_day
  group by known_spans.as_of, known_spans.span

),

measured as (

  select
    sales.as_of,
    sales.span,
    kpis.kpi,
    case kpis.kpi
      when 'revenue' then cast(sales.revenue as decimal(18, 6))
      when 'orders' then cast(sales.orders as decimal(18, 6))
      when 'units' then cast(sales.units as decimal(18, 6))
      when 'avg_order_value' then cast({{ ratio('sales.revenue', 'sales.orders') }} as decimal(18, 6))
      when 'active_customers' then cast(active.active_customers as decimal(18, 6))
      when 'conversion_rate' then {{ ratio('web.purchase_sessions', 'web.sessions', scale=6, digits=0) }}
    end as kpi_value
  from sales
  inner join web on sales.as_of = web.as_of and sales.span = web.span
  inner join active on sales.as_of = active.as_of and sales.span = active.span
  cross join (
    values ('revenue'), ('orders'), ('units'), ('avg_order_value'), ('active_customers'), ('conversion_rate')
  ) as kpis (kpi)

),

compared as (

  select
    as_of,
    kpi,
    max(case when span = 'mtd' then kpi_value end) as mtd_value,
    max(case when span = 'last_month_to_same_day' then kpi_value end) as last_month_to_same_day,
    max(case when span = 'last_month' then kpi_value end) as last_month_value
  from measured
  group by as_of, kpi

)

select
  compared.as_of,
  compared.kpi,
  compared.mtd_value,
  compared.last_month_to_same_day,
  {{ ratio(
    '100 * (compared.mtd_value - compared.last_month_to_same_day)', 'compared.last_month_to_same_day', digits=6
  ) }} as change_pct,
  compared.last_month_value,
  plans.plan_value,
  case
    when compared.mtd_value > compared.last_month_to_same_day then 'up'
    when compared.mtd_value < compared.last_month_to_same_day then 'down'
    when compared.mtd_value = compared.last_month_to_same_day then 'flat'
  end as direction
from compared
left join {{ ref('sales_plan') }} as plans
  on {{ month_of('compared.as_of') }} = plans.plan_month and compared.kpi = plans.kpi
