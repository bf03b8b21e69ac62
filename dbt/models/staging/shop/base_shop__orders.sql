{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which orders are believed. `rule` names the first rule a version of an order breaks, null
-- when it keeps them all: staging takes the versions without a rule, the quarantine takes the others. "Future" is told
-- by the shop's own clock, the row's updated_at.
select
  order_id,
  cast(customer_id as bigint) as customer_id,
  store_id,
  placed_at,
  status,
  payment_method,
  currency,
  total_amount,
  created_at,
  updated_at,
  _sdc_commit_seq,
  _sdc_sequence,
  _sdc_run_id,
  case
    when customer_id is null then 'customer_id_present'
    when currency is null or currency not in ({{ iso_4217() }}) then 'currency_in_iso_4217'
    when placed_at > updated_at + interval '5' minute then 'placed_at_not_in_the_future'
  end as rule
from {{ source('raw_shop', 'orders') }}
