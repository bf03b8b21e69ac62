-- The web knows the day best; a customer whose sign-up event never arrived, or is in quarantine, signed up when the
-- shop created them.
with web as (

  select
    user_id,
    min(event_date) as signup_date
  from {{ ref('stg_web__events') }}
  where event_type = 'signup'
  group by user_id

),

customers as (

  select
    customer_id as user_id,
    {{ business_date('created_at') }} as signup_date
  from {{ ref('stg_shop__customers') }}

)

select
  coalesce(web.user_id, customers.user_id) as user_id,
  coalesce(web.signup_date, customers.signup_date) as signup_date,
  customers.user_id is not null as is_customer
from web
full outer join customers on web.user_id = customers.user_id
