with order_months as (

  select distinct
    customer_id,
    {{ month_of('order_date') }} as order_month
  from {{ ref('fct_orders') }}
  where customer_id is not null and order_date <= {{ as_of() }}

),

cohorts as (

  select
    customer_id,
    min(order_month) as cohort_month
  from order_months
  group by customer_id

),

sizes as (

  select
    cohort_month,
    {{ as_of() }} as last_day,
    count(*) as customers
  from cohorts
  group by cohort_month

),

retained as (

  select
    cohorts.cohort_month,
    order_months.order_month,
    count(*) as retained
  from cohorts
  inner join order_months on cohorts.customer_id = order_months.customer_id
  group by cohorts.cohort_month, order_months.order_month

),

-- every month of a cohort's life so far has its row, whether anyone came back in it or not
grain as (

  select
    sizes.cohort_month,
    sizes.customers,
    sizes.last_day,
    series.order_month
  from sizes
  cross join
    unnest({{ date_series('sizes.cohort_month', month_of('sizes.last_day'), 'month') }}) as series (order_month)

)

select
  grain.cohort_month,
  cast({{ months_between('grain.cohort_month', 'grain.order_month') }} as integer) as months_since,
  grain.customers,
  coalesce(retained.retained, 0) as retained,
  case
    when {{ last_day_of_month('grain.order_month') }} <= grain.last_day
      then {{ ratio('coalesce(retained.retained, 0)', 'grain.customers', 6, digits=0) }}
  end as retention_rate
from grain
left join retained on grain.cohort_month = retained.cohort_month and grain.order_month = retained.order_month
