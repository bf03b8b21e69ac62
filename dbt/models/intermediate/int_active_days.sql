-- A user is active on a day with an order or a web event.
select
  user_id,
  event_date as active_date
from {{ ref('stg_web__events') }}
union
select
  customer_id as user_id,
  order_date as active_date
from {{ ref('fct_orders') }}
where customer_id is not null
