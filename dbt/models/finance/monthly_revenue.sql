with orders as (

  select
    {{ month_of('order_date') }} as month,
    sum(revenue) as monthly_revenue,
    count(distinct customer_id) as unique_customers,
    coalesce(sum(case when is_returning_customer then revenue end), 0) as returning_revenue
  from {{ ref('fct_orders') }}
  group by {{ month_of('order_date') }}

),

months as (

  select distinct {{ month_of('date_day') }} as month
  from {{ business_days() }} as days

)

select
  months.month,
  coalesce(orders.monthly_revenue, 0) as monthly_revenue,
  coalesce(orders.unique_customers, 0) as unique_customers,
  {{ ratio('orders.monthly_revenue', 'orders.unique_customers') }} as avg_customer_value,
  {{ ratio('100 * orders.returning_revenue', 'orders.monthly_revenue') }} as pct_from_returning
from months
left join orders on months.month = orders.month
