with customers as (

  select
    customer_id,
    {{ days_between('max(order_date)', as_of()) }} as recency_days,
    count(*) as frequency,
    sum(revenue) as monetary
  from {{ ref('fct_orders') }}
  where customer_id is not null and order_date <= {{ as_of() }}
  group by customer_id

),

quintiles as (

  select
    *,
    cast(ntile(5) over (order by recency_days desc, customer_id asc) as integer) as recency_quintile,
    cast(ntile(5) over (order by frequency, customer_id) as integer) as frequency_quintile,
    cast(ntile(5) over (order by monetary, customer_id) as integer) as monetary_quintile
  from customers

)

select
  customer_id,
  recency_days,
  frequency,
  monetary,
  recency_quintile,
  frequency_quintile,
  monetary_quintile,
  {{ rfm_segment('recency_quintile', 'frequency_quintile', 'monetary_quintile') }} as segment
from quintiles
