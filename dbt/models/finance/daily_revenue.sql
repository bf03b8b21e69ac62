with orders as (

  select
    order_date,
    sum(revenue) as total_revenue,
    count(*) as transaction_count
  from {{ ref('fct_orders') }}
  group by order_date

),

refunds as (

  select
    {{ business_date('refunded_at') }} as refund_date,
    sum(amount) as refunded_amount
  from {{ ref('stg_shop__refunds') }}
  group by {{ business_date('refunded_at') }}

)

select
  days.date_day as revenue_date,
  coalesce(orders.total_revenue, 0) as total_revenue,
  coalesce(orders.transaction_count, 0) as transaction_count,
  {{ ratio('orders.total_revenue', 'orders.transaction_count') }} as avg_transaction,
  coalesce(refunds.refunded_amount, 0) as refunded_amount
from {{ business_days() }} as days
left join orders on days.date_day = orders.order_date
left join refunds on days.date_day = refunds.refund_date
