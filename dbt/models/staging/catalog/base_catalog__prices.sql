{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which prices are believed. A price far above the product's history is a slip of the hand
-- (cents typed as dollars): 100 times is what such a slip makes, 30 times is what no honest change in the catalog comes
-- near. History is the lower median of the product's prices, so that one slip cannot move it and of two prices the
-- lower one is believed; a product's only price is held against its own cost.
with latest as (

  {{ latest_version(source('raw_catalog', 'prices'), 'price_id') }}

),

histories as (

  select
    product_id,
    array_sort(array_agg(price))[{{ integer_divide('count(*) + 1', '2') }}] as usual_price
  from latest
  where price > 0
  group by product_id

)

select
  latest.price_id,
  latest.product_id,
  latest.price,
  latest.cost_price,
  latest.valid_from,
  latest.created_at,
  latest.updated_at,
  latest._sdc_commit_seq,
  latest._sdc_run_id,
  case
    when latest.price is null or latest.price <= 0 then 'price_positive'
    when latest.price > 30 * histories.usual_price then 'price_near_its_history'
    when latest.cost_price > 0 and latest.price > 30 * latest.cost_price then 'price_near_its_cost'
  end as rule
from latest
left join histories on latest.product_id = histories.product_id
