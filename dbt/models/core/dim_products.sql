-- A product that was sold but is not in the catalog gets a row of its own, so that no sale is lost from a mart that
-- joins.
with listed as (

  select * from {{ ref('stg_catalog__products') }}

),

inferred as (

  select distinct product_id
  from {{ ref('stg_shop__order_items') }}
  where product_id not in (select product_id from listed)

)

select
  product_id,
  manufacturer_id,
  department,
  brand,
  product_category,
  product_type,
  package_size,
  is_department_imputed,
  false as is_inferred
from listed
union all
select
  product_id,
  cast(null as integer) as manufacturer_id,
  'UNKNOWN' as department,
  cast(null as varchar) as brand,
  cast(null as varchar) as product_category,
  cast(null as varchar) as product_type,
  cast(null as varchar) as package_size,
  false as is_department_imputed,
  true as is_inferred
from inferred
