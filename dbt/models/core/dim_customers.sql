with customers as (

  select * from {{ ref('stg_shop__customers') }}

),

households as (

  select * from {{ ref('stg_crm__demographics') }}

),

first_orders as (

  select
    customer_id,
    {{ business_date('min(placed_at)') }} as first_order_date
  from {{ ref('stg_shop__orders') }}
  group by customer_id

)

select
  customers.customer_id,
  customers.first_name,
  customers.last_name,
  customers.email,
  customers.phone,
  customers.street,
  customers.city,
  customers.region,
  customers.postcode,
  customers.country,
  customers.marketing_consent,
  customers.created_at as signed_up_at,
  customers.updated_at,
  customers.deleted_at,
  customers.deleted_at is not null as is_closed,
  first_orders.first_order_date,
  households.age_group,
  households.income_group,
  households.home_ownership,
  households.marital_status,
  households.household_size,
  households.household_composition,
  households.kids_count,
  coalesce(households.is_income_imputed, false) as is_income_imputed,
  coalesce(households.is_household_size_imputed, false) as is_household_size_imputed
from customers
left join households on customers.customer_id = households.customer_id
left join first_orders on customers.customer_id = first_orders.customer_id
