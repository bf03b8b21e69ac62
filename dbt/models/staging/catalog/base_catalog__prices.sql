{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which prices are believed. A price far above the product's history is a slip of the hand
-- (cents typed as dollars): 100 times is what such a slip makes, 30 times is what no honest change in the catalog comes
-- near. History is the lower median of the product's prices, so that one slip cannot move it and of two prices the
-- lower one is believed; a product's only price is held against its own cost. Which of these rules a price breaks may
-- change as its history grows: what a person said it truly is holds as long as it breaks one.
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

written as (

  select
    latest.price_id,
    latest.product_id,
    latest.price as written_price,
    latest.cost_price,
    histories.usual_price,
    latest.valid_from,
    latest.created_at,
    latest.updated_at,
    latest._sdc_commit_seq,
    latest._sdc_run_id,
    case
      when latest.price is null or latest.price <= 0 then 'price_positive'
      when latest.price > 30 * histories.usual_price then 'price_near_its_history'
      when latest.cost_price > 0 and latest.price > 30 * latest.cost_price then 'price_near_its_cost'
    end as written_rule
  from latest
  left join histories on latest.product_id = histories.product_id

),

read_so as (

  select
    written.*,
    {{ fixed('price', 'written.written_price', 'decimal(12, 2)') }} as price,
    d.released_rules,
    d.dismissed_rules,
    f.rule is not null as is_fixed
  from written
  left join {{ decisions_on('catalog', 'prices') }} as d on written.price_id = {{ key_part('d', 1) }}
  left join {{ fixes_on('catalog', 'prices', latest=true) }} as f
    on written.price_id = {{ key_part('f', 1) }} and written.written_rule is not null

)

select
  d.*,
  case
    when d.price is null or d.price <= 0 then 'price_positive'
    when d.price > 30 * d.usual_price and not {{ released('price_near_its_history') }} then 'price_near_its_history'
    when d.cost_price > 0 and d.price > 30 * d.cost_price and not {{ released('price_near_its_cost') }}
      then 'price_near_its_cost'
  end as rule
from read_so as d
