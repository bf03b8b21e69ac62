-- A price may be entered for a day to come: until then the one before it holds. A price in quarantine is no version:
-- the one before it goes on. Two prices from one day leave the one written last.
with prices as (

  select
    *,
    row_number() over (partition by product_id, valid_from order by updated_at desc, price_id desc) as entry
  from {{ ref('stg_catalog__prices') }}

),

versions as (

  select
    product_id,
    valid_from,
    lead(valid_from) over (partition by product_id order by valid_from) as valid_to,
    price,
    cost_price,
    price_id
  from prices
  where entry = 1

)

select
  product_id,
  valid_from,
  valid_to,
  valid_from <= {{ as_of() }} and (valid_to is null or valid_to > {{ as_of() }}) as is_current,
  price,
  cost_price,
  price_id
from versions
