{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which orders are believed. `rule` names the first rule a version of an order breaks, null
-- when it keeps them all: staging takes the versions without a rule, the quarantine takes the others. "Future" is told
-- by the shop's own clock, the row's updated_at. What people decided about an order is obeyed here; written_rule is the
-- rule without that.
with read_so as (

  select
    orders.order_id,
    cast(orders.customer_id as bigint) as written_customer_id,
    orders.currency as written_currency,
    orders.placed_at as written_placed_at,
    {{ fixed('customer_id', 'cast(orders.customer_id as bigint)', 'bigint') }} as customer_id,
    {{ fixed('currency', 'orders.currency', 'varchar') }} as currency,
    {{ fixed('placed_at', 'orders.placed_at', 'timestamp(6)') }} as placed_at,
    orders.store_id,
    orders.status,
    orders.payment_method,
    orders.total_amount,
    orders.created_at,
    orders.updated_at,
    orders._sdc_commit_seq,
    orders._sdc_sequence,
    orders._sdc_run_id,
    d.released_rules,
    d.dismissed_rules,
    coalesce(d.is_fixed, false) as is_fixed,
    d.record_key is not null as is_decided
  from {{ source('raw_shop', 'orders') }} as orders
  left join {{ decisions_on('shop', 'orders') }} as d on orders.order_id = {{ key_part(1) }}

)

select
  d.*,
  case
    when d.written_customer_id is null then 'customer_id_present'
    when d.written_currency is null or d.written_currency not in ({{ iso_4217() }}) then 'currency_in_iso_4217'
    when d.written_placed_at > d.updated_at + interval '5' minute then 'placed_at_not_in_the_future'
  end as written_rule,
  case
    when d.customer_id is null then 'customer_id_present'
    when (d.currency is null or d.currency not in ({{ iso_4217() }})) and not {{ released('currency_in_iso_4217') }}
      then 'currency_in_iso_4217'
    when d.placed_at > d.updated_at + interval '5' minute then 'placed_at_not_in_the_future'
  end as rule
from read_so as d
