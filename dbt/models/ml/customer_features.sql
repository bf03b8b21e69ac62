{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key='as_of',
  full_refresh=false,
  properties={'partitioning': "ARRAY['month(as_of)']"}
) }}

-- Features of a day are made of facts up to that day alone: a model trained on an old row sees what was known then.
with days as (

  select as_of
  from {{ as_of_days() }} as days

),

customers as (

  select
    days.as_of,
    signups.user_id as customer_id,
    signups.signup_date
  from {{ ref('int_signups') }} as signups
  inner join days on signups.signup_date <= days.as_of
  where signups.is_customer

),

order_days as (

  select
    customer_id,
    order_date,
    count(*) as orders,
    sum(revenue) as revenue
  from {{ ref('fct_orders') }}
  where customer_id is not null
  group by customer_id, order_date

),

purchases as (

  select
    days.as_of,
    order_days.customer_id,
    cast(sum(order_days.orders) as bigint) as total_purchases,
    sum(order_days.revenue) as total_spent,
    cast(sum(
      case when order_days.order_date > {{ add_days('days.as_of', -30) }} then order_days.orders else 0 end
    ) as bigint) as purchases_30d,
    {{ days_between('max(order_days.order_date)', 'days.as_of') }} as days_since_last_purchase,
    {{ days_between('min(order_days.order_date)', 'max(order_days.order_date)') }} as days_of_purchasing
  from order_days
  inner join days on order_days.order_date <= days.as_of
  group by days.as_of, order_days.customer_id

),

quintiles as (

  select
    *,
    ntile(5) over (partition by as_of order by days_since_last_purchase desc, customer_id asc) as recency_quintile,
    ntile(5) over (partition by as_of order by total_purchases, customer_id) as frequency_quintile,
    ntile(5) over (partition by as_of order by total_spent, customer_id) as monetary_quintile
  from purchases

)

select
  customers.customer_id,
  customers.as_of,
  {{ days_between('customers.signup_date', 'customers.as_of') }} as days_since_signup,
  coalesce(quintiles.total_purchases, 0) as total_purchases,
  coalesce(quintiles.total_spent, 0) as total_spent,
  {{ ratio('quintiles.total_spent', 'quintiles.total_purchases', 2) }} as avg_order_value,
  {{ ratio('coalesce(quintiles.purchases_30d, 0)', '30', 6, digits=0) }} as purchase_frequency_30d,
  quintiles.days_since_last_purchase,
  {{ churn_risk(
    'coalesce(quintiles.days_since_last_purchase, ' ~ days_between('customers.signup_date', 'customers.as_of') ~ ')',
    'coalesce(quintiles.total_purchases, 1)', 'coalesce(quintiles.days_of_purchasing, 0)'
  ) }} as churn_risk_score,
  {{ rfm_segment(
    'quintiles.recency_quintile', 'quintiles.frequency_quintile', 'quintiles.monetary_quintile'
  ) }} as segment
from customers
left join quintiles on customers.as_of = quintiles.as_of and customers.customer_id = quintiles.customer_id
