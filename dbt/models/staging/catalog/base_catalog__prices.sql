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

),

read_so as (

  select
    latest.price_id,
    latest.product_id,
    latest.price as written_price,
    {{ fixed('price', 'latest.price', 'decimal(12, 2)') }} as price,
    latest.cost_price,
    histories.usual_price,
    latest.valid_from,
    latest.created_at,
    latest.updated_at,
    latest._sdc_commit_seq,
    latest._sdc_run_id,
    d.released_rules,
    d.dismissed_rules,
    coalesce(d.is_fixed, false) as is_fixed
  from latest
  left join histories on latest.product_id = histories.product_id
  left join {{ decisions_on('catalog', 'prices') }} as d on latest.price_id = {{ key_part(1) }}

)

select
  d.*,
  case
    when d.written_price is null or d.written_price <= 0 then 'price_positive'
    when d.written_price > 30 * d.usual_price then 'price_near_its_history'
    when d.cost_price > 0 and d.written_price > 30 * d.cost_price then 'price_near_its_cost'
  end as written_rule,
  case
    when d.price is null or d.price <= 0 then 'price_positive'
    when d.price > 30 * d.usual_price and not {{ released('price_near_its_history') }} then 'price_near_its_history'
    when d.cost_price > 0 and d.price > 30 * d.cost_price and not {{ released('price_near_its_cost') }}
      then 'price_near_its_cost'
  end as rule
from read_so as d
